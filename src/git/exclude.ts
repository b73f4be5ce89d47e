import { appendFileSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'

/**
 * Adds a directory to `info/exclude` of the repository around it, if there is one, so that `git add -A` never
 * takes a secret along. Works in worktrees and submodules too, where `.git` is a file that points elsewhere
 * (git: gitrepository-layout).
 * @returns the exclude file that now names the directory, or undefined outside a repository
 */
export function excludeFromGit(directory: string): string | undefined {
  // A link may lead into the clone; git knows the directory by its real name.
  const real = join(realpathSync(dirname(directory)), basename(directory))
  const workTree = findWorkTree(dirname(real))
  if (workTree === undefined) return undefined
  const common = commonDirectory(workTree)
  if (common === undefined) return undefined
  const file = join(common, 'info', 'exclude')
  const pattern = `/${relative(workTree, real).split(sep).map(escapeGlob).join('/')}/`
  const existing = readIfThere(file)
  if (!existing.split(/\r?\n/).includes(pattern)) {
    mkdirSync(dirname(file), { recursive: true })
    appendFileSync(file, `${existing === '' || existing.endsWith('\n') ? '' : '\n'}${pattern}\n`)
  }
  return file
}

function findWorkTree(from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    if (statSync(join(directory, '.git'), { throwIfNoEntry: false }) !== undefined) return directory
    if (dirname(directory) === directory) return undefined
  }
}

/**
 * Where `info/` is: `.git`, or what `.git` points to, or the directory that several worktrees have in common;
 * undefined where `.git` is neither, and git itself refuses to work.
 */
function commonDirectory(workTree: string): string | undefined {
  const dotGit = join(workTree, '.git')
  if (statSync(dotGit).isDirectory()) return dotGit
  const pointer = /^gitdir: (.+)/.exec(readIfThere(dotGit))?.[1]
  if (pointer === undefined) return undefined
  const gitDirectory = resolve(workTree, pointer)
  return resolve(gitDirectory, readIfThere(join(gitDirectory, 'commondir')).trim())
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** gitignore's own escapes, for a directory whose name has characters that mean something there. */
const escapeGlob = (name: string): string => name.replace(/[\\*?[\]!# ]/g, '\\$&')
