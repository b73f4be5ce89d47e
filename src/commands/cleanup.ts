import { tmpdir } from 'node:os'
import { credentialsFileName } from '../git/credentials-file.ts'
import { removeRefusalCounts, removeSharedConfig } from '../git/shared-config.ts'
import { directoriesOfEarlierSteps } from '../hosts/github.ts'
import type { Log } from '../hosts/host.ts'
import { readHostInputs } from '../inputs.ts'
import type { Run } from '../run.ts'
import { clearPrivateDirectory } from '../secret-file.ts'
import { cacheDirectories } from '../stores/cache-directory.ts'
import { clearTokenCache } from '../stores/token-cache.ts'

/** How many milliseconds to wait for a `git-credential` process that is renewing a token. */
const timeout = 10_000

/**
 * Removes what earlier runs left: the files in the output directory and the cache of `git-credential`. It keeps a refresh
 * token that Bitbucket returned for a used one, unless `all` is set, because there may be no other copy of it.
 */
export async function cleanup({ world, host, rawInputs }: Run, all: boolean): Promise<void> {
  // Fails on an invalid output-dir, so that the default directory is not cleaned instead.
  readHostInputs(rawInputs)
  const { removed: fromDirectory, kept: inDirectory } = host.clean?.(all) ?? { removed: [], kept: [] }
  const removed = [...fromDirectory]
  const kept = [...inDirectory]
  // What a `run:` step made in the runner's temporary directory. No `post` step removes it.
  for (const earlier of directoriesOfEarlierSteps(world.env)) {
    removed.push(...clearPrivateDirectory(earlier, [credentialsFileName], []).removed)
  }
  removed.push(...cleanGit(world))
  const cache = await clearTokenCache(cacheDirectories(world), { world, timeout, refreshTokens: all })
  removed.push(...cache.removed)
  kept.push(...cache.kept)
  tell(host.log, removed, kept)
}

/** Removes the git configuration that the runs of a GitHub job share, and the refusal counts of its credential helpers. */
function cleanGit(world: Run['world']): string[] {
  const { RUNNER_TEMP: temporary } = world.env
  const config = temporary ? removeSharedConfig(temporary, world) : undefined
  const places = new Set([...(temporary ? [temporary] : []), tmpdir(), '/tmp', '/dev/shm'])
  return [...(config === undefined ? [] : [config]), ...[...places].flatMap(removeRefusalCounts)]
}

function tell(log: Log, removed: readonly string[], kept: readonly string[]): void {
  for (const path of removed) log.info(`Removed ${path}`)
  for (const path of kept) {
    log.warning(
      `Kept ${path}, because there may be no other copy of the refresh token in it. To remove it, run cleanup --all.`,
    )
  }
  if (removed.length === 0) log.info('There was nothing to remove.')
}
