import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { basename, dirname, join, parse, sep } from 'node:path'
import { reasonOf, TokenError } from './errors.ts'
import { lstatIfExists, realPath } from './paths.ts'

/** A user of this machine, and the group of the user's files. */
export interface User {
  readonly uid: number
  readonly gid: number
}

/** Returns the user id that this process acts as. On Windows, which has no user ids, it is 0 and owns everything. */
export const ownUid = (): number => process.geteuid?.() ?? 0

/** Whether a file or directory belongs to the user of this process. */
export const isOwn = ({ uid }: Pick<Stats, 'uid'>): boolean =>
  process.geteuid === undefined || uid === ownUid()

/**
 * Checks that no other user can replace the file at a path, and finds the owner of the directory above it. Each link on the
 * way must belong to this user or root. Each directory must belong to them too, or to a user to whom they gave it.
 * @param homes the caller's working directories. Their owners are trusted in them, and the way to them is not checked
 * @returns the owner of the nearest existing directory above the path
 * @throws {TokenError} `input` if another user can replace the file; `file` if this user has no access
 */
export function ownerAbove(path: string, homes: readonly string[]): User {
  try {
    return ownerOnTheWay(path, homes)
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw new TokenError(
      'file',
      `${path} cannot be reached: ${reasonOf(error)}.`,
      'Use a directory that this user can enter (output-dir, or the path of the file).',
      error,
    )
  }
}

function ownerOnTheWay(path: string, homes: readonly string[]): User {
  const trusted = new Set([ownUid(), 0])
  const places = homes.map(realPath)
  const { root } = parse(path)
  const rest = partsOf(path.slice(root.length)).slice(0, -1)
  let current = root
  let owner: Stats = lstatSync(root)
  let links = 0
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '..') {
      current = dirname(current)
      owner = lstatSync(current)
      continue
    }
    const next = join(current, part)
    const found = lstatIfExists(next)
    // Nothing exists from here on.
    if (found === undefined) break
    if (found.isSymbolicLink()) {
      if (process.geteuid !== undefined && ![ownUid(), 0].includes(found.uid)) throw foreignLink(next, found)
      if (++links > maxLinks) throw tooManyLinks(path)
      const target = readlinkSync(next)
      const above = parse(target).root
      rest.unshift(...partsOf(target.slice(above.length)))
      if (above !== '') {
        current = above
        owner = lstatSync(above)
      }
      continue
    }
    if (places.includes(next)) trusted.add(found.uid)
    else if (!trusted.has(found.uid) && !leadsTo(next, rest, places)) {
      const wasPutThere = trusted.has(owner.uid) && !isOpenToAll(owner) && !isOpenToAll(found)
      if (!wasPutThere) throw foreignDirectory(next, found)
      trusted.add(found.uid)
    }
    current = next
    owner = found
  }
  // Throws here if this user must not enter the directory.
  lstatIfExists(join(current, basename(path)))
  return { uid: owner.uid, gid: owner.gid }
}

/** The limit of Linux (path_resolution(7)). */
const maxLinks = 40

const partsOf = (path: string): string[] => path.split(sep).filter((part) => part !== '' && part !== '.')

/** Whether a directory is above one of these places, and the rest of the path leads into that place. */
function leadsTo(directory: string, rest: readonly string[], places: readonly string[]): boolean {
  const target = join(directory, ...rest) + sep
  return places.some((place) => place.startsWith(directory + sep) && target.startsWith(place + sep))
}

/** Whether every user can put files into a directory. */
export const isOpenToAll = ({ mode }: Stats): boolean => (mode & 0o002) !== 0

const foreignLink = (path: string, { uid }: User) =>
  new TokenError(
    'input',
    `${path} is a link that belongs to another user (uid ${uid}), who can change its target.`,
    'If you trust the target, use its path instead (output-dir, or the path of the file).',
  )

const foreignDirectory = (path: string, { uid }: User) =>
  new TokenError(
    'input',
    `${path} belongs to another user (uid ${uid}), who can replace the files in it.`,
    'Use your own directory (output-dir, or the path of the file), or start the run in that directory.',
  )

const tooManyLinks = (path: string) =>
  new TokenError(
    'input',
    `${path} contains more than ${maxLinks} links.`,
    'Use the directory that they lead to.',
  )

/**
 * Does some work with the rights of another user, which only root can. New files then belong to that user, and a link that
 * the user replaces meanwhile cannot lead to anything that the user could not reach.
 * @throws the system's error if this process is not allowed to, for example in a container without SETUID and SETGID
 */
export function actAs<T>(user: User | undefined, work: () => T): T {
  const { getgroups, setgroups, getegid, setegid, geteuid, seteuid } = process
  if (user === undefined || !getgroups || !setgroups || !getegid || !setegid || !geteuid || !seteuid) {
    return work()
  }
  const [groups, gid, uid] = [getgroups(), getegid(), geteuid()]
  setgroups([user.gid])
  try {
    setegid(user.gid)
    seteuid(user.uid)
    return work()
  } finally {
    seteuid(uid)
    setegid(gid)
    setgroups(groups)
  }
}

/**
 * Whether this process can {@link actAs} a user. Never for the user id that stands for all users outside the user namespace
 * (user_namespaces(7)). The clone in a pipe has such an owner, because the root of a pipe is not the machine's root.
 */
export function canActAs(user: User): boolean {
  if (isUnknown(user)) return false
  try {
    actAs(user, () => {})
    return true
  } catch {
    return false
  }
}

/** Whether the user id only means that the owner has no user id in this container. */
export function isUnknown({ uid }: Pick<User, 'uid'>): boolean {
  try {
    const isWholeMachine = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
    return !isWholeMachine && uid === Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'))
  } catch {
    return false
  }
}
