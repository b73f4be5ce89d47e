import { accessSync, constants, lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { withLock } from '../lock.ts'
import { mounts } from '../mounts.ts'
import { ownerAbove } from '../ownership.ts'
import { Secret } from '../secret.ts'
import { probeSecretFile, readKeptFile, replaceSecretFile } from '../secret-file.ts'
import type { World } from '../world.ts'
import { digest } from './digest.ts'
import type { RenewedAccess, Store } from './store.ts'

export interface FileStoreOptions {
  /** The absolute path of the file. */
  readonly path: string
  /** What a refresh token belongs to: Bitbucket's address and the OAuth client. Only a digest of it is written. */
  readonly identity: readonly string[]
  readonly world: World
  /** Milliseconds to wait for another run. */
  readonly patience: number
}

/**
 * Stores the refresh token in a file that contains nothing else, so that a person or a script can write the first one and
 * read the last one. The file `<path>.access` next to it contains the access token that came with it. Runs that wait for the
 * lock (`<path>.lock`) use that access token, so that only one of them asks Bitbucket.
 */
export function fileStore({ path, identity, world, patience }: FileStoreOptions): Store {
  const accessPath = `${path}.access`
  const digestOf = (refreshToken: Secret): string => digest([...identity, refreshToken])

  return {
    name: `the file ${path}`,
    async check() {
      checkReplaceable(path, world.cwd)
      checkReplaceable(accessPath, world.cwd)
    },
    async load() {
      const refreshToken = readToken(path, world.cwd)
      if (refreshToken === undefined) return undefined
      return { refreshToken, access: readAccess(accessPath, world.cwd, digestOf(refreshToken)) }
    },
    // The refresh token is saved first, because it cannot be replaced. The access token is only useful for two hours.
    async save({ refreshToken, access }) {
      replaceSecretFile(path, refreshToken)
      replaceSecretFile(accessPath, serialize(access, digestOf(refreshToken)))
    },
    alone: (work) =>
      withLock(`${path}.lock`, world, patience, async () => {
        probeSecretFile(path)
        // Its name is longer than the other one, so it may be too long.
        probeSecretFile(accessPath)
        return work()
      }),
  }
}

/**
 * Checks that this file can be replaced by a new one.
 * @throws {TokenError} `store-unwritable` if it cannot be replaced, `input` if another user could replace it
 */
export function checkReplaceable(path: string, cwd: string): void {
  ownerAbove(path, [cwd])
  const directory = dirname(path)
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unusable(
      `Cannot write to ${directory}: ${reasonOf(error)}.`,
      'Create the directory, or mount it into the container, and allow this user to write there.',
      error,
    )
  }
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isFile()) {
    throw unusable(
      `${path} is not a regular file.`,
      'Name the file itself, not a link, because each run replaces it by a new file.',
    )
  }
  if (isMountPoint(path)) {
    throw unusable(
      `${path} is a mount point, so it cannot be replaced by a new file.`,
      'Mount its directory instead: docker run --volume /srv/bitbucket:/data, and file:/data/refresh-token.',
    )
  }
}

/**
 * Whether a file is a mount point, as with `docker run --volume /srv/token:/token`. Nothing can be renamed onto one (EBUSY).
 */
function isMountPoint(path: string): boolean {
  try {
    const real = join(realpathSync(dirname(path)), basename(path))
    return mounts().some((mount) => mount.path === real)
  } catch {
    return false
  }
}

function readToken(path: string, cwd: string): Secret | undefined {
  let text: string | undefined
  try {
    text = readKeptFile(path, [cwd])?.trim()
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw unusable(
      `Could not read ${path}: ${reasonOf(error)}.`,
      'Use a file that belongs to this user and that this user can read.',
      error,
    )
  }
  if (text === undefined || text === '') return undefined
  if (/[^\x20-\x7e]/.test(text)) {
    throw unusable(
      `${path} contains something that is not a refresh token.`,
      'Delete the file, or write only the newest refresh token into it.',
    )
  }
  return new Secret(text)
}

const unusable = (message: string, nextStep: string, cause?: unknown) =>
  new TokenError('store-unwritable', message, nextStep, cause)

function serialize({ token, issuedAt, expiresAt, scopes }: RenewedAccess, cameWith: string): Secret {
  return new Secret(JSON.stringify({ cameWith, token: token.reveal(), issuedAt, expiresAt, scopes }))
}

/**
 * Returns the stored access token. Returns undefined if there is none, or if it came with another refresh token, which may
 * belong to another account.
 */
function readAccess(path: string, cwd: string, cameWith: string): RenewedAccess | undefined {
  try {
    const found = JSON.parse(readKeptFile(path, [cwd]) ?? '')
    const { token, issuedAt, expiresAt, scopes } = found
    if (found.cameWith !== cameWith || typeof token !== 'string') return undefined
    if (typeof issuedAt !== 'number' || typeof expiresAt !== 'number') return undefined
    return {
      token: new Secret(token),
      issuedAt,
      expiresAt,
      scopes: Array.isArray(scopes) ? scopes : undefined,
    }
  } catch {
    return undefined
  }
}
