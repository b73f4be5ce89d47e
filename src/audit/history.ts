import { type Git, GitFailure, newline, revParse, runGit, silenceLimits, split } from './git.ts'
import type { Rule } from './rule.ts'
import { type Finding, type Hit, isBinary, type Scanned, scanWithPauses, sizeLimit } from './scan.ts'

/** Why a version was not read: it is too large, missing in a partial clone, or damaged. */
type Skipped = 'tooLarge' | 'missing' | 'damaged'

/** The result of scanning the history of a clone. */
export interface History {
  readonly findings: readonly Finding[]
  /** How many versions of files were scanned. */
  readonly versions: number
  readonly skipped: Readonly<Record<Skipped | 'binary', number>>
  readonly ignored: number
  /** How many findings are not listed, because there are too many. */
  readonly unlisted: number
  /** Whether the clone has only the latest commits. */
  readonly isShallow: boolean
  /** Whether git failed before the end, so that only a part of the history was scanned. */
  readonly isPartial: boolean
}

/** The largest number of different findings that are listed, because each takes memory. */
const maxListed = 100_000

/**
 * Scans every version of every file that can be reached from a branch, a tag or the stash. Each version is scanned once, and
 * only one is in memory at a time.
 * @param prefix prepended to each reported path
 * @param known findings in the current files, which are not reported again
 * @throws {GitFailure} if there is no history
 */
export async function auditHistory(
  git: Git,
  prefix: string,
  rules: readonly Rule[],
  known: readonly Hit[],
  pause: () => Promise<void>,
): Promise<History> {
  const facts = await revParse(git, '--is-shallow-repository', '--show-prefix')
  const [isShallow, directory = Buffer.alloc(0)] = facts
  const reportedPath = (path: Buffer) => Buffer.concat([Buffer.from(prefix), path.subarray(directory.length)])
  const skipped = { binary: 0, tooLarge: 0, missing: 0, damaged: 0 }
  const found = new OldestHits(known)
  let versions = 0
  let isPartial = false
  const orPartial = (error: unknown) => {
    if (!(error instanceof GitFailure) || git.stop.aborted) throw error
    isPartial = true
  }
  const scanAll = async () => {
    for await (const { id, path, content } of contents(git, directory, (why) => skipped[why]++)) {
      await pause()
      if (isBinary(content)) skipped.binary++
      else {
        versions++
        found.add(await scanWithPauses(reportedPath(path), content, rules, pause), id)
      }
    }
  }
  await scanAll().catch(orPartial)
  const hits = [...found.hits.values()]
  const origins = new Map<string, Origin>()
  await findOrigins(git, directory, new Set(hits.map(({ id }) => id)), origins).catch(orPartial)
  return {
    findings: withOrigins(hits, origins, reportedPath),
    versions,
    skipped,
    ignored: found.ignored.size,
    unlisted: found.unlisted,
    isShallow: isShallow?.toString() === 'true',
    isPartial,
  }
}

/** Collects the hits in all versions, which must be added from the newest to the oldest. */
class OldestHits {
  /** The same line is in many versions of its file. Its oldest hit stays, with the id of the version's content. */
  readonly hits = new Map<string, { readonly hit: Hit; readonly id: string }>()
  readonly ignored = new Set<string>()
  unlisted = 0
  readonly #known: ReadonlySet<string>

  constructor(known: readonly Hit[]) {
    this.#known = new Set(known.map(identity))
  }

  add({ hits, ignored, unlisted }: Scanned, id: string): void {
    this.unlisted += unlisted.hits
    for (const hit of ignored) if (this.ignored.size < maxListed) this.ignored.add(identity(hit))
    for (const hit of hits) {
      const key = identity(hit)
      if (this.#known.has(key)) continue
      if (this.hits.size < maxListed || this.hits.has(key)) this.hits.set(key, { hit, id })
      else this.unlisted++
    }
  }
}

/** Adds the commits that introduced the findings. */
function withOrigins(
  found: Iterable<{ readonly hit: Hit; readonly id: string }>,
  origins: ReadonlyMap<string, Origin>,
  reportedPath: (path: Buffer) => Buffer,
): Finding[] {
  const findings = new Map<string, { finding: Hit; time: number }>()
  for (const { hit, id } of found) {
    const origin = origins.get(id)
    const time = origin?.time ?? Number.POSITIVE_INFINITY
    const finding = origin ? { ...hit, path: reportedPath(origin.path), commit: origin.commit } : hit
    // git lists a content once, even if several files had it. Under its first path, the finding may already be in the list.
    const key = identity(finding)
    if (time <= (findings.get(key)?.time ?? time)) findings.set(key, { finding, time })
  }
  return [...findings.values()].map(({ finding }) => finding)
}

const identity = ({ rule, path, digest }: Hit): string => `${rule.id}\0${path.toString('latin1')}\0${digest}`

interface Version {
  readonly id: string
  readonly path: Buffer
  readonly content: Buffer
}

/**
 * Yields all versions of files, newest first. git cuts a path at its first line break.
 * @param onSkip called for each version that is skipped
 */
async function* contents(git: Git, prefix: Buffer, onSkip: (why: Skipped) => void): AsyncGenerator<Version> {
  // For the whole clone, git is faster without a path.
  const within = prefix.length === 0 ? [] : ['--full-history', '--', '.']
  const list = ['rev-list', '--objects', '--missing=print', '--all', ...within]
  const objects = runGit(git, list, silenceLimits.history)
  const checked = runGit(
    git,
    ['cat-file', '--batch-check=%(objecttype) %(objectsize) %(objectname) %(rest)'],
    silenceLimits.history,
    objects,
  )
  const wanted = async function* () {
    for await (const line of split(checked, newline)) {
      const text = line.toString('latin1')
      // `rev-list` marks missing objects with a question mark.
      if (/^\?[0-9a-f]+ missing$/.test(text)) onSkip('missing')
      // `rev-list` listed this object, but `cat-file` cannot read it.
      if (/^[0-9a-f]+ missing$/.test(text)) onSkip('damaged')
      const [, size, rest] = /^blob (\d+) (.*)$/s.exec(text) ?? []
      if (rest === undefined) continue
      if (Number(size) > sizeLimit) onSkip('tooLarge')
      else yield Buffer.from(`${rest}\n`, 'latin1')
    }
  }
  const output = new Output(
    runGit(git, ['cat-file', '--batch=%(objectsize) %(objectname) %(rest)'], silenceLimits.history, wanted()),
  )
  for (let header = await output.line(); header !== undefined; header = await output.line()) {
    const [, size, id = '', path = ''] = /^(\d+) ([0-9a-f]+) ?(.*)$/s.exec(header.toString('latin1')) ?? []
    if (size === undefined) continue
    const content = await output.bytes(Number(size))
    await output.bytes(1)
    yield { id, path: Buffer.from(path, 'latin1'), content }
  }
}

/** Reads the output of `git cat-file --batch`: header lines, each followed by as many bytes as it says. */
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
      if (this.#buffer.length > sizeLimit) throw new GitFailure('git wrote a line that is too long')
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

/**
 * The most contents for which git is asked by id, because the length of a command line is limited. If there are more, git is
 * asked for all contents.
 */
const maxIds = 200

/** The commit that first added a content. */
interface Origin {
  readonly commit: string
  /** The time of the commit, in seconds since the epoch. */
  readonly time: number
  /** From the root of the clone. */
  readonly path: Buffer
}

/** Finds, for each content id, the first commit that has the content below the prefix. */
async function findOrigins(
  git: Git,
  prefix: Buffer,
  ids: ReadonlySet<string>,
  found: Map<string, Origin>,
): Promise<void> {
  if (ids.size === 0) return
  const log = [
    ...['log', '--all', '-m', '--root', '--no-renames', '--raw', '-z', '--no-abbrev'],
    // These keep git from using external diffs, .mailmap and .gitmodules, each of which could be a program or a FIFO.
    ...['--no-ext-diff', '--no-textconv', '--no-mailmap', '--ignore-submodules=none'],
    '--format=commit %H %ct',
  ]
  const objects = ids.size > maxIds ? [] : [...ids].map((id) => `--find-object=${id}`)
  let commit = ''
  let time = 0
  let id: string | undefined
  for await (const token of split(runGit(git, [...log, ...objects], silenceLimits.history), 0)) {
    if (id !== undefined) {
      const isWithin = token.subarray(0, prefix.length).equals(prefix)
      // git lists the newest commits first, so a later entry is older and replaces an earlier one.
      if (ids.has(id) && isWithin) found.set(id, { commit, time, path: Buffer.from(token) })
      id = undefined
      continue
    }
    const text = token.toString('latin1')
    const [, next, seconds] = /^\n?commit ([0-9a-f]{40,64}) (\d+)\s*$/.exec(text) ?? []
    if (next === undefined) id = /^\n?:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/.exec(text)?.[1]
    else [commit, time] = [next, Number(seconds)]
  }
}
