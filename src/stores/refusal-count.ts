import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../lock.ts'
import { Secret } from '../secret.ts'
import { writeSecretFile } from '../secret-file.ts'
import { readUntrustedFile, trustedUsers } from '../untrusted-file.ts'
import type { World } from '../world.ts'
import { isOwnDirectory, takeCacheDirectory } from './cache-directory.ts'
import { digest } from './digest.ts'

/** Counts how often the tokens of one credential were refused recently. All processes of a user share the count. */
export interface Refusals {
  /**
   * Returns the number of refusals since the last success, or 0 if the last refusal is older than {@link refusalsCountFor}.
   */
  count(): number
  /** Counts one more refusal. */
  add(): Promise<void>
  /** Notes that a new token replaces the refused one. */
  renewed(): Promise<void>
  /** Whether a new token has replaced a refused one since the last success. */
  isRenewed(): boolean
  /** Resets the count, because a token was accepted. */
  clear(): void
}

/**
 * How long a refusal counts, in milliseconds. A short time is enough because git-lfs asks again at once, and a user who has
 * fixed the credential does not want to wait.
 */
export const refusalsCountFor = 120_000

interface Counted {
  readonly count: number
  readonly isRenewed: boolean
  /** When the last refusal happened, in milliseconds since the epoch. */
  readonly at: number
}

/** No refusal. */
export const noRefusals: Counted = { count: 0, isRenewed: false, at: 0 }

/** How long to wait for another process, in milliseconds. */
const timeout = 10_000

/** The largest file that is read, in bytes. */
const limit = 1_000

/**
 * Opens the count for one credential.
 * @param directories where the token cache may be: see `TokenCacheOptions`
 * @param identity all that distinguishes one credential from another; only a digest of it is written
 */
export function refusalsOnDisk(
  directories: readonly string[],
  identity: readonly (string | Secret)[],
  world: World,
): Refusals {
  const name = `${refusalsPrefix}${digest(identity).slice(0, 32)}.json`
  const file = (): string | undefined => {
    const directory = directories.find(isOwnDirectory)
    return directory === undefined ? undefined : join(directory, name)
  }
  const current = (): Counted => {
    const counted = read(file())
    return Math.abs(world.now() - counted.at) > refusalsCountFor ? noRefusals : counted
  }
  const change = async (made: (before: Counted) => Partial<Counted>): Promise<void> => {
    const directory = takeCacheDirectory(directories, world)
    await withLock(join(directory, `${name}.lock`), world, timeout, async () => {
      const before = current()
      const counted: Counted = { ...before, ...made(before), at: world.now() }
      writeSecretFile(directory, name, new Secret(JSON.stringify(counted)))
    })
  }
  return {
    count: () => current().count,
    isRenewed: () => current().isRenewed,
    add: () => change(({ count }) => ({ count: count + 1 })),
    renewed: () => change(() => ({ isRenewed: true })),
    clear() {
      const counted = file()
      if (counted !== undefined && read(counted).count > 0) rmSync(counted, { force: true })
    },
  }
}

/** The beginning of the names of the files. */
export const refusalsPrefix = 'refused-'

function read(file: string | undefined): Counted {
  if (file === undefined) return noRefusals
  try {
    const text = readUntrustedFile(file, { limit, owners: trustedUsers() }).toString('utf8')
    const { count, isRenewed, at } = JSON.parse(text)
    const isCounted = Number.isSafeInteger(count) && typeof isRenewed === 'boolean' && typeof at === 'number'
    return isCounted ? { count, isRenewed, at } : noRefusals
  } catch {
    return noRefusals
  }
}
