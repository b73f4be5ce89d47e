import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { withLock } from '../lock.ts'
import { ownerAbove } from '../ownership.ts'
import { Redactor } from '../secret.ts'
import { tokenFile } from '../stores/token-file.ts'
import { processWorld, type World } from '../world.ts'
import { readAppName } from './app-name.ts'
import { type RulesFor, readGiven, text } from './given.ts'
import { type LogOptions, logRules, openLog } from './log.ts'
import type { StorageContext, TokenStorage } from './storage.ts'

/** The options of {@link createFileStorage}. */
export interface FileStorageOptions extends LogOptions {
  /**
   * The path of the file, absolute or relative to the working directory. Default: `<appName>.json` in
   * `$XDG_CONFIG_HOME/bitbucket-token`, or in `~/.config/bitbucket-token`.
   */
  readonly configPath?: string | undefined
  /** The name of the program whose tokens these are. Default: the `appName` option of `getAccessToken`, then `default`. */
  readonly appName?: string | undefined
}

/**
 * Creates a storage that keeps tokens in a JSON file that only this user can read (0600). The file is replaced as a whole,
 * so it is never half written, and one process uses it at a time. If several processes need a token at once, one asks
 * Bitbucket and the others use its token.
 *
 * It also reads a file that bitbucket-auth has written: `configPath: join(homedir(), '.my-app')`.
 *
 * @throws {TokenError} `input` if an option is unknown or wrong
 */
export function createFileStorage(options?: FileStorageOptions | null): TokenStorage {
  return createFileStorageIn(processWorld(process, new AbortController().signal), options)
}

/** Does the same, with the given clock, environment and error stream. */
export function createFileStorageIn(
  world: World,
  given: FileStorageOptions | null | undefined,
): TokenStorage {
  const options = readGiven(given, 'createFileStorage', fileRules, {
    homeDir: 'Use configPath: join(homeDir, name) instead.',
    path: 'Use configPath instead.',
  })
  const log = openLog(options, world, new Redactor())
  const name = readAppName(options.appName)
  const pathFor = (context?: StorageContext) =>
    resolve(
      world.cwd,
      options.configPath ??
        join(directoryIn(world), `${name ?? readAppName(context?.appName) ?? 'default'}.json`),
    )
  const fileFor = (context?: StorageContext) => {
    const path = pathFor(context)
    return { path, file: tokenFile({ path, cwd: world.cwd, newForm: 'json' }) }
  }
  return {
    loadConfig(context) {
      const { path, file } = fileFor(context)
      const config = file.read()
      log.debug(`${path} ${config === undefined ? 'is missing or empty' : 'was read'}.`)
      return config
    },
    saveConfig(config, context) {
      const { path, file } = fileFor(context)
      takeDirectoryOf(path, world)
      attempt(() => file.write(config))
      log.debug(`${path} was written.`)
    },
    alone(context, work) {
      const { path, file } = fileFor(context)
      const { signal, patience } = context
      takeDirectoryOf(path, world)
      return withLock(file.lock, { ...world, stop: signal }, patience, async () => {
        attempt(() => file.probe())
        return work()
      })
    },
  }
}

const fileRules: RulesFor<FileStorageOptions> = { configPath: text, appName: text, ...logRules }

const directoryIn = ({ env }: World): string =>
  join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'bitbucket-token')

function takeDirectoryOf(path: string, { cwd }: World): void {
  ownerAbove(path, [cwd])
  attempt(() => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }))
}

function attempt(work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new TokenError(
      'store-unwritable',
      reasonOf(error),
      'Use a configPath in a directory that this user can write to, on a disk with free space.',
    )
  }
}
