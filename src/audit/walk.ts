import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'

/** One `.gitignore`, and the directory that it speaks of. */
interface Patterns {
  readonly directory: string
  readonly patterns: Ignore
}

/**
 * The files below a directory where git is not to be asked, without those that a `.gitignore` names: paths relative to
 * the directory, as bytes. Those of the directories above count up to the root of the clone, as they do for git.
 */
export async function* filesBelow(root: string): AsyncGenerator<Buffer> {
  yield* below(Buffer.from(root), Buffer.alloc(0), patternsAbove(root))
}

async function* below(root: Buffer, inside: Buffer, outer: readonly Patterns[]): AsyncGenerator<Buffer> {
  const directory = inside.length === 0 ? root : joined(root, inside)
  const ignored = [...outer, ...patternsIn(directory.toString())]
  for (const entry of entriesOf(directory)) {
    const path = inside.length === 0 ? entry.name : joined(inside, entry.name)
    const isDirectory = entry.isDirectory()
    if (entry.name.equals(dotGit)) continue
    if (isIgnored(joined(root, path).toString(), isDirectory, ignored)) continue
    if (isDirectory) yield* below(root, path, ignored)
    else yield path
  }
}

const dotGit = Buffer.from('.git')
const joined = (a: Buffer, b: Buffer): Buffer => Buffer.concat([a, Buffer.from('/'), b])

function entriesOf(directory: Buffer) {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })
  } catch {
    return []
  }
}

/** Whether the nearest `.gitignore` that says anything says so. */
function isIgnored(path: string, isDirectory: boolean, all: readonly Patterns[]): boolean {
  for (const { directory, patterns } of all.toReversed()) {
    const inside = relative(directory, path).split(sep).join('/')
    const { ignored, unignored } = patterns.test(isDirectory ? `${inside}/` : inside)
    if (ignored || unignored) return ignored
  }
  return false
}

function patternsIn(directory: string): Patterns[] {
  try {
    const patterns = ignore({ ignorecase: false }).add(readFileSync(join(directory, '.gitignore'), 'utf8'))
    return [{ directory, patterns }]
  } catch {
    return []
  }
}

/** The patterns between the root of the clone and this directory; none outside a clone. */
function patternsAbove(from: string): Patterns[] {
  const directories: string[] = []
  for (let directory = from; ; directory = dirname(directory)) {
    if (entriesOf(Buffer.from(directory)).some(({ name }) => name.equals(dotGit))) break
    if (dirname(directory) === directory) return []
    directories.push(dirname(directory))
  }
  return directories.toReversed().flatMap(patternsIn)
}
