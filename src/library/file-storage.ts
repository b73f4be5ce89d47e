import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { ownerAbove } from '../ownership.ts'
import { TextRedactor } from '../redaction/text-redactor.ts'
import { lockTokenFile, readTokenFile, type TokenFile, writeTokenFile } from '../stores/token-file.ts'
import { processWorld, type World } from '../world.ts'
import { type LogOptions, logRules, openLog } from './log.ts'
import { type RulesFor, readOptions, text } from './option-rules.ts'
import { readAppName, type StorageContext, type TokenStorage } from './storage.ts'

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
  rawOptions: FileStorageOptions | null | undefined,
): TokenStorage {
  const options = readOptions(rawOptions, 'createFileStorage', fileRules, {
    homeDir: 'Use configPath: join(homeDir, name) instead.',
    path: 'Use configPath instead.',
  })
  const log = openLog(options, world, new TextRedactor())
  const name = readAppName(options.appName)
  const fileFor = (context?: StorageContext): TokenFile => {
    const app = `${name ?? readAppName(context?.appName) ?? 'default'}.json`
    const path = resolve(world.cwd, options.configPath ?? join(directoryIn(world), app))
    return { path, newForm: 'json', world: { ...world, ...(context && { stop: context.signal }) } }
  }
  return {
    loadConfig(context) {
      const file = fileFor(context)
      const config = readTokenFile(file)
      log.debug(`${file.path} ${config === undefined ? 'is missing or empty' : 'was read'}.`)
      return config
    },
    saveConfig(config, context) {
      const file = fileFor(context)
      takeDirectoryOf(file)
      writeTokenFile(file, config)
      log.debug(`${file.path} was written.`)
    },
    alone(context, work) {
      const file = fileFor(context)
      takeDirectoryOf(file)
      return lockTokenFile(file, context.patience, work)
    },
  }
}

const fileRules: RulesFor<FileStorageOptions> = { configPath: text, appName: text, ...logRules }

const directoryIn = ({ env }: World): string =>
  join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'bitbucket-token')

function takeDirectoryOf({ path, world }: TokenFile): void {
  ownerAbove(path, [world.cwd])
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new TokenError(
      'store-unwritable',
      reasonOf(error),
      'Use a configPath in a directory that this user can write to.',
    )
  }
}
