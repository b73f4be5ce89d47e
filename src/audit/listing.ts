import { lstatSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { trustedUsers } from '../untrusted-file.ts'
import { type Clone, cloneAround, type Git, GitFailure, trackedFiles } from './git.ts'
import { filesBelow, type Selection, topOfClone } from './walk.ts'

/**
 * Lists the files to scan, as bytes relative to the directory. In a clone these are the tracked files and the ones that git
 * would add, elsewhere all files that no `.gitignore` excludes.
 *
 * git lists only the tracked files. It cannot list the others safely, because it reads a `.gitignore` of any size and waits
 * forever for one that is a FIFO.
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
  // Tracked files are scanned even if a pattern excludes them.
  for (const path of tracked ?? []) yield Buffer.from(path, 'latin1')
}

/** Collects paths as latin1 strings, which take the least memory. */
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
    // git trusts the owner of this clone, so the owner's .gitignore files count.
    const owner = lstatSync(join(clone.top, '.git'), { throwIfNoEntry: false })?.uid
    const all = owner === undefined ? owners : [...owners, owner]
    return { ...clone, root, isClone: true, owners: all, note, pause }
  }
  const top = topOfClone(root, (dotGit) => note('a clone of another user', Buffer.from(dotGit)))
  return { top, root, ignoreFiles: [], ignoreCase: false, isClone: false, owners, note, pause }
}

/** Whether `top` contains the directory. A clone can claim another work tree (`core.worktree`). */
function isInside(top: string, directory: string): boolean {
  const path = relative(top, directory)
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)
}
