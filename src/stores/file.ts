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
  /** Absolute. */
  readonly path: string
  /** What a refresh token belongs to: Bitbucket's address and the consumer. Only a digest of it is written. */
  readonly identity: readonly string[]
  readonly world: World
  /** Milliseconds to wait for another run. */
  readonly patience: number
}

/**
 * A file that holds the refresh token and nothing else, so that a person or a script can write the first one and read
 * the last. Beside it lies `<path>.access` with the access token that came with it: runs that wait for each other at
 * the lock (`<path>.lock`) all take that one, so that however many there are, one of them asks Bitbucket.
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
    // The refresh token first: without it the access token beside it is no more than what it is for two hours.
    async save({ refreshToken, access }) {
      replaceSecretFile(path, refreshToken)
      replaceSecretFile(accessPath, serialize(access, digestOf(refreshToken)))
    },
    alone: (work) =>
      withLock(`${path}.lock`, world, patience, async () => {
        probeSecretFile(path)
        // Its name is longer, and may be too long.
        probeSecretFile(accessPath)
        return work()
      }),
  }
}

/**
 * Makes sure that a file can be put in the place of this one.
 * @throws {TokenError} `store-unwritable`; `input` if another user could exchange it
 */
export function checkReplaceable(path: string, cwd: string): void {
  ownerAbove(path, [cwd])
  const directory = dirname(path)
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unusable(
      `${directory} cannot be written: ${reasonOf(error)}.`,
      'Make the directory, or mount it into the container, and let this user write there.',
      error,
    )
  }
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isFile()) {
    throw unusable(
      `${path} is not a file.`,
      'It is replaced by a new one each time: name the file itself, not a link.',
    )
  }
  if (isMountPoint(path)) {
    throw unusable(
      `${path} is mounted on its own, so it cannot be replaced by a new file.`,
      'Mount its directory: docker run --volume /srv/bitbucket:/data, and file:/data/refresh-token.',
    )
  }
}

/** `docker run --volume /srv/token:/token` makes a file a mount point, onto which nothing can be renamed (EBUSY). */
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
      `${path} could not be read: ${reasonOf(error)}.`,
      'It must be a file that belongs to this user and that this user may read.',
      error,
    )
  }
  if (text === undefined || text === '') return undefined
  if (/[^\x20-\x7e]/.test(text)) {
    throw unusable(
      `${path} holds something that is not a refresh token.`,
      'Remove the file, or write the newest refresh token into it and nothing else.',
    )
  }
  return new Secret(text)
}

const unusable = (message: string, nextStep: string, cause?: unknown) =>
  new TokenError('store-unwritable', message, nextStep, cause)

function serialize({ token, issuedAt, expiresAt, scopes }: RenewedAccess, cameWith: string): Secret {
  return new Secret(JSON.stringify({ cameWith, token: token.reveal(), issuedAt, expiresAt, scopes }))
}

/** Undefined where there is none, or one that came with another refresh token: that may be another account's. */
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
