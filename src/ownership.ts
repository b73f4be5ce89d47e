import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { basename, dirname, join, parse, sep } from 'node:path'
import { reasonOf, TokenError } from './errors.ts'
import { lstatIfThere, realPath } from './paths.ts'

/** A user of this machine, and the group that its files get. */
export interface User {
  readonly uid: number
  readonly gid: number
}

/** Returns the user whose rights this process has. Windows has no user ids: there it is 0, which owns everything. */
export const ownUid = (): number => process.geteuid?.() ?? 0

/** Whether a file or directory belongs to this process's user. */
export const isOwn = ({ uid }: Pick<Stats, 'uid'>): boolean =>
  process.geteuid === undefined || uid === ownUid()

/**
 * Makes sure that no other user can exchange what lies at a path, and finds out who is in charge there: each link on the
 * way belongs to us or root, and so does each directory, or to a user whom root or we have put in charge.
 * @param homes directories that the caller works in: their owners are trusted there, and nobody asks about the way to them
 * @returns the owner of the nearest directory above the path that exists
 * @throws {TokenError} `input`; `file` if this user may not even look
 */
export function ownerAbove(path: string, homes: readonly string[]): User {
  try {
    return ownerOnTheWay(path, homes)
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw new TokenError(
      'file',
      `${path} cannot be reached: ${reasonOf(error)}.`,
      'Give a directory that this user may enter (output-dir, or the path of the file).',
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
    const found = lstatIfThere(next)
    // From here on everything is still to be made.
    if (found === undefined) break
    if (found.isSymbolicLink()) {
      if (process.geteuid !== undefined && ![ownUid(), 0].includes(found.uid)) throw foreignLink(next, found)
      if (++links > mostLinks) throw tooManyLinks(path)
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
  // So that whoever may not enter is told here.
  lstatIfThere(join(current, basename(path)))
  return { uid: owner.uid, gid: owner.gid }
}

/** As many as Linux follows (path_resolution(7)). */
const mostLinks = 40

const partsOf = (path: string): string[] => path.split(sep).filter((part) => part !== '' && part !== '.')

/** Whether a directory is above one of these places, and the rest of the way goes into that. */
function leadsTo(directory: string, rest: readonly string[], places: readonly string[]): boolean {
  const target = join(directory, ...rest) + sep
  return places.some((place) => place.startsWith(directory + sep) && target.startsWith(place + sep))
}

const isOpenToAll = ({ mode }: Stats): boolean => (mode & 0o002) !== 0

const foreignLink = (path: string, { uid }: User) =>
  new TokenError(
    'input',
    `${path} is a link that belongs to another user (uid ${uid}), who can change where it leads.`,
    'Give the directory that it leads to, if you trust it (output-dir, or the path of the file).',
  )

const foreignDirectory = (path: string, { uid }: User) =>
  new TokenError(
    'input',
    `${path} belongs to another user (uid ${uid}), who can exchange what lies in it.`,
    'Give a directory of your own (output-dir, or the path of the file), or start the run in that directory.',
  )

const tooManyLinks = (path: string) =>
  new TokenError(
    'input',
    `${path} leads through more than ${mostLinks} links.`,
    'Give the directory that they lead to.',
  )

/**
 * Does something with another user's rights, as only root can, so that what is made belongs to that user, and links that
 * the user exchanges meanwhile lead to nothing that the user could not reach.
 * @throws what the system says if this process may not: a container without the capabilities SETUID and SETGID
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
 * Whether this process may {@link actAs} a user. Never for the one that stands for all users that a user namespace does
 * not know (user_namespaces(7)): such are the owners of a clone in a pipe, whose root is not the machine's.
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

/** Whether the user id only says that the owner has none in this container. */
export function isUnknown({ uid }: Pick<User, 'uid'>): boolean {
  try {
    const isWholeMachine = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
    return !isWholeMachine && uid === Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'))
  } catch {
    return false
  }
}
