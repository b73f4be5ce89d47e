import { type Git, GitFailure, patience, runGit, split } from './git.ts'
import type { Rule } from './rule.ts'
import { type Finding, type Hit, isBinary, scanInSteps, sizeLimit } from './scan.ts'

/** Why a version is not given: a partial clone lacks some objects, and a clone can be damaged. */
type Missed = 'tooLarge' | 'missing' | 'damaged'

/** What the history of a clone holds. */
export interface History {
  readonly findings: readonly Finding[]
  /** Versions of files that were looked at. */
  readonly versions: number
  readonly skipped: Readonly<Record<Missed | 'binary', number>>
  readonly ignored: number
  /** How many findings were too many to list. */
  readonly unlisted: number
  /** Whether the clone has only the last commits. */
  readonly isShallow: boolean
  /** Whether git failed before the end, so that this is a part of the history. */
  readonly isPartial: boolean
}

/** So many different findings are listed; each takes memory. */
const listedInAll = 100_000

/**
 * Looks at every version of every file that a branch, a tag or the stash leads to, each once, one in memory at a time.
 * @param prefix what stands before each path that is told
 * @param known what is in the files of today, which is not told again
 * @throws {GitFailure} if there is no history to look at
 */
export async function auditHistory(
  git: Git,
  prefix: string,
  rules: readonly Rule[],
  known: readonly Hit[],
  pause: () => Promise<void>,
): Promise<History> {
  const clone = await aboutClone(git)
  const toldPath = (path: Buffer) => Buffer.concat([Buffer.from(prefix), path.subarray(clone.prefix.length)])
  const today = new Set(known.map(identity))
  // The same line is in many versions of its file. The oldest is looked at last, and is the one that stays.
  const oldest = new Map<string, { hit: Hit; id: string }>()
  const ignored = new Set<string>()
  const skipped = { binary: 0, tooLarge: 0, missing: 0, damaged: 0 }
  let versions = 0
  let unlisted = 0
  let isPartial = false
  const orPartial = (error: unknown) => {
    if (!(error instanceof GitFailure) || git.stop.aborted) throw error
    isPartial = true
  }
  const lookAtAll = async () => {
    for await (const { id, path, content } of contents(git, clone.prefix, (why) => skipped[why]++)) {
      await pause()
      if (isBinary(content)) {
        skipped.binary++
        continue
      }
      versions++
      const steps = scanInSteps(toldPath(path), content, rules)
      let step = steps.next()
      for (; step.done !== true; step = steps.next()) await pause()
      const scanned = step.value
      unlisted += scanned.unlisted.hits
      for (const hit of scanned.ignored) if (ignored.size < listedInAll) ignored.add(identity(hit))
      for (const hit of scanned.hits) {
        const key = identity(hit)
        if (today.has(key)) continue
        if (oldest.size < listedInAll || oldest.has(key)) oldest.set(key, { hit, id })
        else unlisted++
      }
    }
  }
  await lookAtAll().catch(orPartial)
  const begun = new Map<string, Beginning>()
  const ids = new Set([...oldest.values()].map(({ id }) => id))
  await findBeginnings(git, clone.prefix, ids, begun).catch(orPartial)
  const findings = new Map<string, { finding: Hit; time: number }>()
  for (const { hit, id } of oldest.values()) {
    const first = begun.get(id)
    const time = first?.time ?? Number.POSITIVE_INFINITY
    const finding = first === undefined ? hit : { ...hit, path: toldPath(first.path), commit: first.commit }
    // A content that several files have had is listed for one of them; under its first name it may be known already.
    if (time <= (findings.get(identity(finding))?.time ?? time))
      findings.set(identity(finding), { finding, time })
  }
  return {
    findings: [...findings.values()].map(({ finding }) => finding),
    versions,
    skipped,
    ignored: ignored.size,
    unlisted,
    isShallow: clone.isShallow,
    isPartial,
  }
}

const identity = ({ rule, path, found }: Hit): string => `${rule.id}\0${path.toString('latin1')}\0${found}`

/** How the directory is reached from the root of its clone (`a/b/`), and whether the clone has only the last commits. */
async function aboutClone(git: Git): Promise<{ readonly prefix: Buffer; readonly isShallow: boolean }> {
  const lines: Buffer[] = []
  for await (const line of split(
    runGit(git, ['rev-parse', '--is-shallow-repository', '--show-prefix'], patience.forFacts),
    newline,
  )) {
    lines.push(Buffer.from(line))
  }
  return { isShallow: lines[0]?.toString() === 'true', prefix: lines[1] ?? Buffer.alloc(0) }
}

interface Version {
  readonly id: string
  readonly path: Buffer
  readonly content: Buffer
}

/**
 * Newest first. (git lists a path up to its first line break.)
 * @param onSkip called for each that is not given
 */
async function* contents(git: Git, prefix: Buffer, onSkip: (why: Missed) => void): AsyncGenerator<Version> {
  // Of the whole clone it is faster without a path.
  const within = prefix.length === 0 ? [] : ['--full-history', '--', '.']
  const list = ['rev-list', '--objects', '--missing=print', '--all', ...within]
  const objects = runGit(git, list, patience.forHistory)
  const checked = runGit(
    git,
    ['cat-file', '--batch-check=%(objecttype) %(objectsize) %(objectname) %(rest)'],
    patience.forHistory,
    objects,
  )
  const wanted = async function* () {
    for await (const line of split(checked, newline)) {
      const text = line.toString('latin1')
      // `rev-list` marks so what is not there.
      if (/^\?[0-9a-f]+ missing$/.test(text)) onSkip('missing')
      // It is listed, but cannot be read.
      if (/^[0-9a-f]+ missing$/.test(text)) onSkip('damaged')
      const [, size, rest] = /^blob (\d+) (.*)$/s.exec(text) ?? []
      if (rest === undefined) continue
      if (Number(size) > sizeLimit) onSkip('tooLarge')
      else yield Buffer.from(`${rest}\n`, 'latin1')
    }
  }
  const output = new Output(
    runGit(git, ['cat-file', '--batch=%(objectsize) %(objectname) %(rest)'], patience.forHistory, wanted()),
  )
  for (let header = await output.line(); header !== undefined; header = await output.line()) {
    const [, size, id = '', path = ''] = /^(\d+) ([0-9a-f]+) ?(.*)$/s.exec(header.toString('latin1')) ?? []
    if (size === undefined) continue
    const content = await output.bytes(Number(size))
    await output.bytes(1)
    yield { id, path: Buffer.from(path, 'latin1'), content }
  }
}

const newline = 0x0a

/** What `git cat-file --batch` writes: lines, and so many bytes between them. */
class Output {
  readonly #chunks: AsyncIterator<Buffer>
  #buffer: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  async line(): Promise<Buffer | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf(newline)
      if (end >= 0) {
        const line = this.#buffer.subarray(0, end)
        this.#buffer = this.#buffer.subarray(end + 1)
        return line
      }
      const { value, done } = await this.#chunks.next()
      if (done === true) return undefined
      this.#buffer = Buffer.concat([this.#buffer, value])
      if (this.#buffer.length > sizeLimit) throw new GitFailure('a line without end')
    }
  }

  async bytes(count: number): Promise<Buffer> {
    const parts = [this.#buffer]
    let length = this.#buffer.length
    while (length < count) {
      const { value, done } = await this.#chunks.next()
      if (done === true) break
      parts.push(value)
      length += value.length
    }
    const all = parts.length === 1 ? this.#buffer : Buffer.concat(parts)
    this.#buffer = all.subarray(count)
    return all.subarray(0, count)
  }
}

/** So many versions git is asked for by name: the length of a command line has an end. Of more, it is asked for all. */
const byName = 200

/** Where a content was first added. */
interface Beginning {
  readonly commit: string
  /** Of the commit, in seconds since the epoch. */
  readonly time: number
  /** From the root of the clone. */
  readonly path: Buffer
}

/** Finds the first commit below the prefix that has each content, by the content's id. */
async function findBeginnings(
  git: Git,
  prefix: Buffer,
  ids: ReadonlySet<string>,
  found: Map<string, Beginning>,
): Promise<void> {
  if (ids.size === 0) return
  const log = [
    ...['log', '--all', '-m', '--root', '--no-renames', '--raw', '-z', '--no-abbrev'],
    // None of these is read, and each could be a program or a FIFO: external diffs, .mailmap, .gitmodules.
    ...['--no-ext-diff', '--no-textconv', '--no-mailmap', '--ignore-submodules=none'],
    '--format=commit %H %ct',
  ]
  const objects = ids.size > byName ? [] : [...ids].map((id) => `--find-object=${id}`)
  let commit = ''
  let time = 0
  let id: string | undefined
  for await (const token of split(runGit(git, [...log, ...objects], patience.forHistory), 0)) {
    if (id !== undefined) {
      const isWithin = token.subarray(0, prefix.length).equals(prefix)
      // Newest first: what comes later is older, and wins.
      if (ids.has(id) && isWithin) found.set(id, { commit, time, path: Buffer.from(token) })
      id = undefined
      continue
    }
    const text = token.toString('latin1')
    const [, begun, seconds] = /^\n?commit ([0-9a-f]{40,64}) (\d+)\s*$/.exec(text) ?? []
    if (begun === undefined) id = /^\n?:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/.exec(text)?.[1]
    else [commit, time] = [begun, Number(seconds)]
  }
}
