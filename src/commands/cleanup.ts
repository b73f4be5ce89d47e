import { tmpdir } from 'node:os'
import { removeRefusalCounts, removeSharedConfig } from '../git/shared-config.ts'
import { directoriesOfEarlierSteps } from '../hosts/github.ts'
import type { Log } from '../hosts/host.ts'
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
export async function cleanup({ world, host }: Run, all: boolean): Promise<void> {
  const { cleanOutputDirectory, refreshTokenFile } = await import(
    /* webpackChunkName: "hosts" */ '../hosts/output-directory.ts'
  )
  const removed: string[] = []
  const kept: string[] = []
  for (const directory of [host.directory ?? [], directoriesOfEarlierSteps(world.env)].flat()) {
    const cleaned = cleanOutputDirectory(directory, all ? [] : [refreshTokenFile])
    removed.push(...cleaned.removed)
    kept.push(...cleaned.kept)
  }
  removed.push(...cleanGit(world))
  const cache = await clearTokenCache(cacheDirectory(world), { world, patience, refreshTokens: all })
  removed.push(...cache.removed)
  kept.push(...cache.kept)
  tell(host.log, removed, kept)
}

/** Removes git's configuration that the runs of a GitHub job share, and what its helpers have counted. */
function cleanGit(world: Run['world']): string[] {
  const { RUNNER_TEMP: temporary } = world.env
  const config = temporary ? removeSharedConfig(temporary, world) : undefined
  const places = new Set([temporary || [], tmpdir(), '/tmp', '/dev/shm'].flat())
  return [...(config === undefined ? [] : [config]), ...[...places].flatMap(removeRefusalCounts)]
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
