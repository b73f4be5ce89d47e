import { accessSync, constants, lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { mounts } from '../mounts.ts'
import { ownerAbove } from '../ownership.ts'
import type { World } from '../world.ts'
import { digest } from './digest.ts'
import type { TokenStore } from './store.ts'
import { accessIn, refreshTokenIn, type StoredConfig, withTokens } from './stored-config.ts'
import { accessPath, lockTokenFile, readTokenFile, type TokenFile, writeTokenFile } from './token-file.ts'

export interface FileStoreOptions {
  /** The absolute path of the file. */
  readonly path: string
  /** What a refresh token belongs to: Bitbucket's address and the OAuth client. Only a digest of it is written. */
  readonly identity: readonly string[]
  readonly world: World
  /** Milliseconds to wait for another run. */
  readonly timeout: number
}

/**
 * Stores the tokens in a file. Runs that wait for its lock use the access token that the first of them got, so that only one
 * of them asks Bitbucket. A new file contains only the refresh token: see {@link TokenFile}.
 */
export function fileStore({ path, identity, world, timeout }: FileStoreOptions): TokenStore {
  const file: TokenFile = { path, newForm: 'bare', world }
  let loaded: StoredConfig | undefined
  return {
    name: `the file ${path}`,
    async check() {
      checkReplaceable(path, world.cwd)
      checkReplaceable(accessPath(file), world.cwd)
    },
    async load() {
      const found = readTokenFile(file, identity)
      loaded = found ?? {}
      if (found === undefined) return undefined
      const isOurs = found.issuedFor === digest(identity)
      return { refreshToken: refreshTokenIn(found), access: isOurs ? accessIn(found) : undefined }
    },
    async save(tokens) {
      const found = readableOrEmpty(file)
      // Another job has used our token and saved the next one, if this process was suspended for so long that it lost its
      // lock. Our token stops working soon, but the one in the file does not.
      const expected = [undefined, loaded?.refreshToken, tokens.refreshToken.reveal()]
      if (loaded !== undefined && !expected.includes(found.refreshToken)) return 'kept-newer'
      writeTokenFile(file, withTokens(found, tokens, identity))
      return
    },
    alone: (work) => lockTokenFile(file, timeout, work),
  }
}

/** Reads a file that is about to be replaced. New tokens must be saved even if nobody can read the old ones. */
function readableOrEmpty(file: TokenFile): StoredConfig {
  try {
    return readTokenFile(file) ?? {}
  } catch {
    return {}
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

const unusable = (message: string, nextStep: string, cause?: unknown) =>
  new TokenError('store-unwritable', message, nextStep, cause)
