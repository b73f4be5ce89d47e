import {
  chmodSync,
  closeSync,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { reasonOf, systemCode, TokenError } from '../errors.ts'
import { type LockWorld, withBriefLock } from '../lock.ts'
import { lstatIfExists } from '../paths.ts'
import { readUntrustedFile } from '../untrusted-file.ts'
import { replaceFile } from '../windows.ts'
import type { World } from '../world.ts'
import { type GitConfigEntry, partsOfKey } from './config-environment.ts'

/** One run and its entries in the file. */
interface Use {
  readonly id: string
  readonly entries: readonly GitConfigEntry[]
}

type SharedWorld = LockWorld & Pick<World, 'platform'>

/** The name of the directory in the job's temporary directory. It is the same in every run, so the path is too. */
export const sharedDirectoryName = 'bitbucket-token-git'

/** The prefix of the directory in which the helper counts a run's refusals. The run and the user's id follow. */
export const refusedPrefix = 'bitbucket-token-refused-'

/**
 * How long to wait for another run's lock, in milliseconds. Longer than the time after which lock.ts considers a silent
 * holder dead.
 */
const lockTimeout = 12_000

/** The size limit of the file in bytes, more than the entries of any job need. */
const limit = 4_000_000

/** Returns the path of a job's file, whether it exists or not. */
export const sharedConfigFile = (temporary: string): string => join(temporary, sharedDirectoryName, 'config')

/**
 * Adds the entries of a run to the one configuration file that all runs of a job share. So each run can export the same
 * variables: an `include.path` with this file. If two runs have the same key, the later one wins.
 *
 * The file contains no secret. Everybody may read it, because git fails if it cannot read an included file (git:
 * config.c, `access_or_die`), and a container may run as another user.
 * @param temporary the job's temporary directory
 * @param use the run's name
 * @returns the file's path
 * @throws {TokenError} `file`
 */
export function joinSharedConfig(
  temporary: string,
  use: string,
  entries: readonly GitConfigEntry[],
  world: SharedWorld,
): string {
  return changeUses(temporary, world, (uses) => [
    ...uses.filter(({ id }) => id !== use),
    { id: use, entries },
  ])
}

/**
 * Removes the entries of a run. The last run removes the file too; git ignores a missing include.
 * @returns whether there were entries of this run
 * @throws {TokenError} `file`
 */
export function leaveSharedConfig(temporary: string, use: string, world: SharedWorld): boolean {
  // A killed run may have left only the directory or only the lock.
  const directory = join(temporary, sharedDirectoryName)
  if (!exists(directory) && !exists(lockOf(directory))) return false
  let wasThere = false
  changeUses(temporary, world, (uses) => {
    wasThere = uses.some(({ id }) => id === use)
    return uses.filter(({ id }) => id !== use)
  })
  return wasThere
}

/**
 * Removes the file, even if other runs use it.
 * @returns its path, if it existed
 * @throws {TokenError} `file`
 */
export function removeSharedConfig(temporary: string, world: SharedWorld): string | undefined {
  return exists(join(temporary, sharedDirectoryName)) ? changeUses(temporary, world, () => []) : undefined
}

/**
 * Removes the helpers' counts of refusals in a directory, if they belong to this user.
 * @returns the removed paths
 */
export function removeRefusalCounts(temporary: string): string[] {
  const self = process.getuid?.()
  const names = namesIfReadable(temporary).filter((name) => name.startsWith(refusedPrefix))
  const paths = names.map((name) => join(temporary, name))
  const own = paths.filter((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found?.isDirectory() && (self === undefined || found.uid === self)
  })
  for (const path of own) rmSync(path, { recursive: true, force: true })
  return own
}

function exists(path: string): boolean {
  try {
    return lstatIfExists(path) !== undefined
  } catch (error) {
    throw unchangeable(path, error)
  }
}

const unchangeable = (directory: string, error: unknown) =>
  new TokenError(
    'file',
    `Could not change the git configuration in ${directory}: ${reasonOf(error)}.`,
    'Check the disk and the owner of that directory, or set configure-git to false.',
    error,
  )

/** Returns the path of the lock. It is next to the directory, because the last run removes the directory. */
const lockOf = (directory: string): string => `${directory}.lock`

function namesIfReadable(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Changes the uses in the file under its lock. Removes the directory if none is left. @returns the file's path */
function changeUses(
  temporary: string,
  world: SharedWorld,
  change: (uses: readonly Use[]) => readonly Use[],
): string {
  const directory = join(temporary, sharedDirectoryName)
  const file = sharedConfigFile(temporary)
  try {
    return withBriefLock(lockOf(directory), world, lockTimeout, () => {
      prepareDirectory(directory, temporary)
      const uses = change(usesIn(file))
      if (uses.length > 0) write(file, render(uses), world)
      else {
        rmSync(directory, { recursive: true, force: true })
        removeRefusalCounts(temporary)
      }
      return file
    })
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw unchangeable(directory, error)
  }
}

/** Creates the directory, or checks the one that an earlier run of this job has created. */
function prepareDirectory(directory: string, temporary: string): void {
  try {
    mkdirSync(directory)
  } catch (error) {
    const found = lstatSync(directory, { throwIfNoEntry: false })
    if (found === undefined) throw error
    if (!found.isDirectory()) throw new Error('it is not a directory')
    const self = process.getuid?.()
    // Root may follow a step of the job's user, who may change the job's files anyway.
    const owners = self === 0 ? [self, statSync(temporary).uid] : [self]
    if (self !== undefined && !owners.includes(found.uid)) throw new Error('it belongs to another user')
  }
  // The umask restricts mkdir's mode, and another step may have changed it.
  chmodSync(directory, 0o755)
}

function write(file: string, text: string, world: SharedWorld): void {
  const temporary = join(dirname(file), `new-${world.uniqueName()}`)
  try {
    const descriptor = openSync(temporary, 'wx', 0o644)
    try {
      fchmodSync(descriptor, 0o644)
      writeFileSync(descriptor, text)
    } finally {
      closeSync(descriptor)
    }
    replaceFile(temporary, file, world)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

const usePrefix = '# use '

/** Reads the uses from the comments of the file. */
function usesIn(file: string): Use[] {
  let text: string
  try {
    text = readUntrustedFile(file, { limit }).toString('utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(usePrefix)) return []
    const use: unknown = JSON.parse(line.slice(usePrefix.length))
    return isUse(use) ? [use] : []
  })
}

function isUse(value: unknown): value is Use {
  const { id, entries } = (value ?? {}) as Partial<Use>
  const isEntry = (entry: unknown) =>
    Array.isArray(entry) && entry.length === 2 && entry.every((text) => typeof text === 'string')
  return typeof id === 'string' && Array.isArray(entries) && entries.every(isEntry)
}

/**
 * Returns the content of the configuration file. Less specific URLs come first (see `merged` in config-environment.ts).
 */
function render(uses: readonly Use[]): string {
  const byKey = new Map(
    uses.flatMap(({ entries }) =>
      entries.map(([key]) => [key, entries.filter(([other]) => other === key)] as const),
    ),
  )
  const lessSpecificFirst = [...byKey].sort(([a], [b]) => depth(a) - depth(b))
  return [
    '# Written by bitbucket-token: git configuration for this job. It contains no secret.\n',
    ...uses.map((use) => `${usePrefix}${JSON.stringify(use)}\n`),
    ...lessSpecificFirst.flatMap(([, entries]) => entries.map(line)),
  ].join('')
}

const depth = (key: string): number => key.split('/').length

/** Returns `[section "subsection"] name = "value"`, which git also accepts on one line ("git-config, Syntax"). */
function line([key, value]: GitConfigEntry): string {
  const { section, subsection, name } = partsOfKey(key)
  const inside = subsection === undefined ? '' : ` "${escaped(subsection)}"`
  return `[${section}${inside}] ${name} = "${escaped(value)}"\n`
}

const escaped = (text: string): string =>
  text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')
