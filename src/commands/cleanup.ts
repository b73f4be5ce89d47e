import { directoryOfEarlierStep } from '../hosts/github.ts'
import type { Log } from '../hosts/host.ts'
import { readHostInputs } from '../inputs.ts'
import { clearTokenCache } from '../stores/token-cache.ts'
import type { Run } from './credential.ts'
import { cacheDirectory } from './git-credential.ts'

/** Milliseconds to wait for a `git-credential` that is renewing a token. */
const patience = 10_000

/**
 * Removes what runs have left: the files of the output directory, and the cache of `git-credential`. A refresh token
 * that Bitbucket gave in exchange for a spent one exists nowhere else, so it stays unless `all` asks for it. The line
 * in `.git/info/exclude` stays too: it holds no secret, and the next run would write it again.
 */
export async function cleanup({ world, host, given }: Run, all: boolean): Promise<void> {
  // A directory that cannot be read is not the default one.
  readHostInputs(given)
  const { cleanOutputDirectory, refreshTokenFile } = await import(
    /* webpackChunkName: "hosts" */ '../hosts/output-directory.ts'
  )
  const removed: string[] = []
  const kept: string[] = []
  // The second: what a `run:` step made in the runner's temporary directory, which no `post` removes.
  for (const directory of [host.directory, directoryOfEarlierStep(world.env)]) {
    if (directory === undefined) continue
    const cleaned = cleanOutputDirectory(directory, all ? [] : [refreshTokenFile])
    removed.push(...cleaned.removed)
    kept.push(...cleaned.kept)
  }
  const cache = await clearTokenCache(cacheDirectory(world), { world, patience, refreshTokens: all })
  removed.push(...cache.removed)
  kept.push(...cache.kept)
  tell(host.log, removed, kept)
}

function tell(log: Log, removed: readonly string[], kept: readonly string[]): void {
  for (const path of removed) log.info(`Removed ${path}`)
  for (const path of kept) {
    log.warning(
      `${path} stays: it holds a refresh token that may exist nowhere else. cleanup --all removes it.`,
    )
  }
  if (removed.length === 0) log.info('There was nothing to remove.')
}
