import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { withLock } from '../lock.ts'
import { ownerAbove } from '../ownership.ts'
import { Redactor, Secret } from '../secret.ts'
import { probeSecretFile, readKeptFile, replaceSecretFile } from '../secret-file.ts'
import { UntrustedFileError } from '../untrusted-file.ts'
import { processWorld, type World } from '../world.ts'
import { readAppName } from './app-name.ts'
import { codeOf } from './errors.ts'
import { type RulesFor, readGiven, text } from './given.ts'
import { type LogOptions, logRules, openLog } from './log.ts'
import type { StorageContext, StoredConfig, TokenStorage } from './storage.ts'

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
  return {
    loadConfig(context) {
      const path = pathFor(context)
      const config = read(path, world.cwd)
      log.debug(`${path} ${config === undefined ? 'is missing or empty' : 'was read'}.`)
      return config
    },
    saveConfig(config, context) {
      const path = pathFor(context)
      ownerAbove(path, [world.cwd])
      attempt(() => makeDirectoryOf(path))
      attempt(() => replaceSecretFile(path, new Secret(`${JSON.stringify(config, null, 2)}\n`)))
      log.debug(`${path} was written.`)
    },
    alone(context, work) {
      const path = pathFor(context)
      const { signal, patience } = context
      ownerAbove(path, [world.cwd])
      attempt(() => makeDirectoryOf(path))
      return withLock(`${path}.lock`, { ...world, stop: signal }, patience, async () => {
        attempt(() => probeSecretFile(path))
        return work()
      })
    },
  }
}

const fileRules: RulesFor<FileStorageOptions> = { configPath: text, appName: text, ...logRules }

const directoryIn = ({ env }: World): string =>
  join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'bitbucket-token')

function makeDirectoryOf(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
}

function read(path: string, cwd: string): StoredConfig | undefined {
  let text: string | undefined
  try {
    text = readKeptFile(path, [cwd])
  } catch (error) {
    if (error instanceof TokenError) throw error
    const why = error instanceof UntrustedFileError ? `: ${error.message}` : codeOf(error)
    throw unreadable(`${path} could not be read${why}`)
  }
  if (text === undefined || text.trim() === '') return undefined
  try {
    return parseJson(text) as StoredConfig
  } catch {
    // The parser's message would show parts of the file.
    throw unreadable(`${path} is not valid JSON`)
  }
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

const unreadable = (what: string) =>
  new TokenError(
    'store-unwritable',
    `${what}. No request was sent to Bitbucket.`,
    'Make the file readable for this user. Or delete it: the next call then starts from the credential that you give.',
  )
