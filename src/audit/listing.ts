import { lstatSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { trustedUsers } from '../foreign-file.ts'
import { type Clone, cloneAround, type Git, GitFailure, trackedFiles } from './git.ts'
import { filesBelow, type Selection, topOfClone } from './walk.ts'

/**
 * The files to look at: in a clone those that git has, and those that it would add; elsewhere all but those that a
 * `.gitignore` names. Paths relative to the directory, as bytes.
 *
 * git lists what it has, and no more: it would read `.gitignore` files without a limit, and wait for one that is a FIFO.
 */
export async function* auditedFiles(
  git: Git,
  pause: () => Promise<void>,
  note: Selection['note'],
): AsyncGenerator<Buffer> {
  const orUndefined = (error: unknown) => {
    if (!(error instanceof GitFailure) || git.stop.aborted) throw error
    return undefined
  }
  const clone = await cloneAround(git).catch(orUndefined)
  if (clone === undefined) note('no clone', Buffer.alloc(0))
  const tracked =
    clone === undefined ? new Set<string>() : await namesOf(trackedFiles(git)).catch(orUndefined)
  if (tracked === undefined) note('no index', Buffer.alloc(0))
  for await (const path of filesBelow(selectionFor(git.directory, clone, pause, note))) {
    tracked?.delete(path.toString('latin1'))
    yield path
  }
  // What git has is looked at even if a pattern leaves it out.
  for (const path of tracked ?? []) yield Buffer.from(path, 'latin1')
}

/** As text of bytes they take the least memory. */
async function namesOf(paths: AsyncIterable<Buffer>): Promise<Set<string>> {
  const names = new Set<string>()
  for await (const path of paths) names.add(path.toString('latin1'))
  return names
}

function selectionFor(
  root: string,
  clone: Clone | undefined,
  pause: () => Promise<void>,
  note: Selection['note'],
): Selection {
  const owners = trustedUsers()
  if (clone !== undefined && isInside(clone.top, root)) {
    // git trusts it, so whoever owns it may say what is ignored.
    const owner = lstatSync(join(clone.top, '.git'), { throwIfNoEntry: false })?.uid
    const all = owner === undefined ? owners : [...owners, owner]
    return { ...clone, root, isClone: true, owners: all, note, pause }
  }
  const top = topOfClone(root, (dotGit) => note('a clone of another user', Buffer.from(dotGit)))
  return { top, root, general: [], ignoreCase: false, isClone: false, owners, note, pause }
}

/** A clone can say that its files are anywhere (`core.worktree`). */
function isInside(top: string, directory: string): boolean {
  const way = relative(top, directory)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
