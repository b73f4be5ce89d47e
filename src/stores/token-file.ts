import { reasonOf, TokenError } from '../errors.ts'
import { withLock } from '../lock.ts'
import { Secret } from '../secret.ts'
import { probeSecretFile, readKeptFile, replaceSecretFile } from '../secret-file.ts'
import type { World } from '../world.ts'
import { digest } from './digest.ts'
import type { StoredConfig } from './stored-config.ts'

/**
 * A file that keeps a {@link StoredConfig} in one of two forms. The command line and the library read both, and leave a file
 * in the form that it has:
 *
 * - `json`: the whole config, as the library and bitbucket-auth write it.
 * - `bare`: only the refresh token, so that a person or a script can write and read it. The rest of the config is in the file
 *   `<path>.access`, with a digest of the refresh token that it came with.
 */
export interface TokenFile {
  /** The absolute path. */
  readonly path: string
  /** The form of a new file. */
  readonly newForm: 'bare' | 'json'
  readonly world: Pick<World, 'cwd' | 'elapsed' | 'random' | 'uniqueName' | 'sleep' | 'stop'>
}

/**
 * Returns what the file keeps; undefined if it is missing or empty.
 * @param owner Bitbucket's address and the OAuth client, to read the first version of the `.access` file
 * @throws {TokenError} `store-unwritable`; `input` if another user could replace the file
 */
export function readTokenFile(file: TokenFile, owner: readonly string[] = []): StoredConfig | undefined {
  const { path } = file
  const text = withStoreError(
    () => textIn(file),
    (reason) => `Could not read ${path}: ${reason}.`,
    'Use a file that belongs to this user and that this user can read.',
  )
  if (text === '') return undefined
  const nextStep = 'Delete the file, or write only the newest refresh token into it.'
  // The parser's own message would show parts of the file.
  if (isJson(text))
    return withStoreError(
      () => JSON.parse(text) as StoredConfig,
      () => `${path} is not valid JSON.`,
      nextStep,
    )
  if (!/[^\x20-\x7e]/.test(text)) return { ...restIn(file, text, owner), refreshToken: text }
  throw new TokenError(
    'store-unwritable',
    `${path} contains something that is not a refresh token.`,
    nextStep,
  )
}

/** @throws {TokenError} `store-unwritable` */
export function writeTokenFile(file: TokenFile, config: StoredConfig): void {
  const { path } = file
  const { refreshToken, ...rest } = config
  writing(() => {
    if (refreshToken === undefined || formOf(file) === 'json') {
      replaceSecretFile(path, new Secret(`${JSON.stringify(config, null, 2)}\n`))
      return
    }
    // The refresh token is saved first, because it cannot be replaced. The access token is only useful for two hours.
    replaceSecretFile(path, new Secret(refreshToken))
    const cameWith = digest([refreshToken])
    replaceSecretFile(accessPath(file), new Secret(JSON.stringify({ ...rest, cameWith })))
  })
}

/**
 * Runs `work` while no other process uses the file, if it can probably be written.
 * @param timeout how many milliseconds to wait for another process
 * @throws {TokenError} `store-unwritable`, and what {@link withLock} throws
 */
export function lockTokenFile<T>(file: TokenFile, timeout: number, work: () => Promise<T>): Promise<T> {
  return withLock(`${file.path}.lock`, file.world, timeout, async () => {
    writing(() => {
      probeSecretFile(file.path)
      // Its name is longer than the other one, so it may be too long.
      if (formOf(file) === 'bare') probeSecretFile(accessPath(file))
    })
    return work()
  })
}

/** The path of the file with the access token. */
export const accessPath = ({ path }: Pick<TokenFile, 'path'>): string => `${path}.access`

/** Returns the file's text. `trim` also removes a byte order mark, which some editors write. */
const textIn = ({ path, world }: TokenFile): string => readKeptFile(path, [world.cwd])?.trim() ?? ''

const isJson = (text: string): boolean => text.startsWith('{')

function formOf(file: TokenFile): TokenFile['newForm'] {
  try {
    const text = textIn(file)
    return text === '' ? file.newForm : isJson(text) ? 'json' : 'bare'
  } catch {
    return file.newForm
  }
}

/**
 * Returns what the `.access` file adds to the refresh token. It is empty if that file is missing or broken, or came with
 * another refresh token, which may be of another account. Then the next run only refreshes once more.
 */
function restIn(file: TokenFile, refreshToken: string, owner: readonly string[]): StoredConfig {
  try {
    const text = readKeptFile(accessPath(file), [file.world.cwd]) ?? ''
    const { cameWith, token, issuedAt, ...rest } = JSON.parse(text)
    if (cameWith === digest([refreshToken])) return rest
    if (cameWith !== digest([...owner, refreshToken])) return {}
    // The first version of this file had other fields.
    const expiresAt = new Date(rest.expiresAt).toISOString()
    const expiresIn = (rest.expiresAt - issuedAt) / 1_000
    return { ...rest, accessToken: token, expiresAt, expiresIn, issuedFor: digest(owner) }
  } catch {
    return {}
  }
}

const writing = (work: () => void): void =>
  withStoreError(
    work,
    (reason) => reason,
    'Use a directory that this user can write to, on a disk with free space.',
  )

function withStoreError<T>(work: () => T, message: (reason: string) => string, nextStep: string): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof TokenError && error.code !== 'file') throw error
    throw new TokenError('store-unwritable', message(reasonOf(error)), nextStep, error)
  }
}
