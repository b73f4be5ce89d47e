import { rmSync } from 'node:fs'
import { Secret } from '../secret.ts'
import { writeSecretFile } from '../secret-file.ts'
import { readUntrustedFile, trustedUsers } from '../untrusted-file.ts'
import type { World } from '../world.ts'
import { fileInCache, withCacheLock } from './cache-directory.ts'
import { digest } from './digest.ts'

/** Counts how often the tokens of one credential were refused recently. All processes of a user share the count. */
export interface Refusals {
  /** Returns the number of refusals since the last success, or 0 if the last one is older than {@link refusalsCountFor}. */
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

const noRefusals: Counted = { count: 0, isRenewed: false, at: 0 }

/** How long to wait for another process, in milliseconds. */
const timeout = 10_000

/** The largest file that is read, in bytes. */
const limit = 1_000

/** The beginning of the names of the files. */
export const refusalsPrefix = 'refused-'

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
  const file = () => fileInCache(directories, name)
  return refusals(world, {
    read: () => read(file()),
    update: (made) =>
      withCacheLock(directories, name, world, timeout, async (directory) => {
        writeSecretFile(directory, name, new Secret(JSON.stringify(made())))
      }),
    clear() {
      const counted = file()
      if (counted !== undefined && read(counted).count > 0) rmSync(counted, { force: true })
    },
  })
}

/** Creates a count that only this process has. */
export function refusalsInMemory(world: Pick<World, 'now'>): Refusals {
  let counted = noRefusals
  return refusals(world, {
    read: () => counted,
    async update(made) {
      counted = made()
    },
    clear() {
      counted = noRefusals
    },
  })
}

/** Where a count is kept. */
interface CountStorage {
  read(): Counted
  /** Saves what `made` returns, while no other process changes the count. */
  update(made: () => Counted): Promise<void>
  clear(): void
}

function refusals({ now }: Pick<World, 'now'>, { read, update, clear }: CountStorage): Refusals {
  const current = (): Counted => {
    const counted = read()
    return Math.abs(now() - counted.at) > refusalsCountFor ? noRefusals : counted
  }
  return {
    count: () => current().count,
    isRenewed: () => current().isRenewed,
    add: () => update(() => ({ ...current(), count: current().count + 1, at: now() })),
    renewed: () => update(() => ({ ...current(), isRenewed: true, at: now() })),
    clear,
  }
}

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
