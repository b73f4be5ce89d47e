import { reasonOf, TokenError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { Secret } from '../secret.ts'
import { probeSecretFile, readKeptFile, replaceSecretFile } from '../secret-file.ts'
import { digest } from './digest.ts'
import type { StoredConfig } from './stored-config.ts'

/** A file that keeps a {@link StoredConfig}. */
export interface TokenFile {
  /**
   * Returns what the file keeps; undefined if it is missing or empty.
   * @throws {TokenError} `store-unwritable`, `input` if another user could replace the file
   */
  read(): StoredConfig | undefined
  /** @throws {TokenError} `file` */
  write(config: StoredConfig): void
  /**
   * Checks whether {@link write} will probably succeed.
   * @throws {TokenError} `file`
   */
  probe(): void
  /** The path of the lock that its users hold while they use the tokens in it. */
  readonly lock: string
}

export interface TokenFileOptions {
  /** The absolute path of the file. */
  readonly path: string
  readonly cwd: string
  /** The form of a new file. A file that exists keeps its form. */
  readonly newForm: 'bare' | 'json'
  /** Bitbucket's address and the OAuth consumer. It is only needed to read the first form of an `.access` file. */
  readonly owner?: readonly string[]
}

/**
 * Opens a file in one of two forms. The command line and the library read both, and leave a file in the form that it has:
 *
 * - `json`: the whole config, as the library and bitbucket-auth write it.
 * - `bare`: only the refresh token, so that a person or a script can write and read it. The rest of the config is in the file
 *   `<path>.access`, with a digest of the refresh token that it belongs to.
 */
export function tokenFile({ path, cwd, newForm, owner = [] }: TokenFileOptions): TokenFile {
  const accessPath = `${path}.access`
  const text = (): string => readKeptFile(path, [cwd])?.trim() ?? ''
  const form = (): 'bare' | 'json' => {
    try {
      const found = text()
      return found === '' ? newForm : found.startsWith('{') ? 'json' : 'bare'
    } catch {
      return newForm
    }
  }
  return {
    read() {
      const found = readable(path, text)
      if (found === '') return undefined
      if (found.startsWith('{')) return parsed(path, found)
      if (/[^\x20-\x7e]/.test(found)) {
        throw unusable(
          `${path} contains something that is not a refresh token.`,
          'Delete the file, or write only the newest refresh token into it.',
        )
      }
      return { ...restIn(() => readKeptFile(accessPath, [cwd]), found, owner), refreshToken: found }
    },
    write(config) {
      const { refreshToken, ...rest } = config
      if (refreshToken === undefined || form() === 'json') {
        replaceSecretFile(path, new Secret(`${JSON.stringify(config, null, 2)}\n`))
        return
      }
      // The refresh token is saved first, because it cannot be replaced. The access token is only useful for two hours.
      replaceSecretFile(path, new Secret(refreshToken))
      const cameWith = digest([refreshToken])
      replaceSecretFile(accessPath, new Secret(JSON.stringify({ ...rest, cameWith })))
    },
    probe() {
      probeSecretFile(path)
      // Its name is longer than the other one, so it may be too long.
      if (form() === 'bare') probeSecretFile(accessPath)
    },
    lock: `${path}.lock`,
  }
}

function readable(path: string, text: () => string): string {
  try {
    return text()
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw unusable(
      `Could not read ${path}: ${reasonOf(error)}.`,
      'Use a file that belongs to this user and that this user can read.',
      error,
    )
  }
}

function parsed(path: string, text: string): StoredConfig {
  try {
    return parseJson(text) as StoredConfig
  } catch {
    // The parser's message would show parts of the file.
    throw unusable(
      `${path} is not valid JSON.`,
      'Delete the file. The next run then starts from the refresh token that you give.',
    )
  }
}

/**
 * Returns what the `.access` file adds to the refresh token. It is empty if the file is missing or broken, or if it belongs
 * to another refresh token, which may be of another account.
 */
function restIn(
  text: () => string | undefined,
  refreshToken: string,
  owner: readonly string[],
): StoredConfig {
  try {
    const { cameWith, ...rest } = JSON.parse(text() ?? '')
    if (cameWith === digest([refreshToken])) return rest
    if (cameWith === digest([...owner, refreshToken])) return fromFirstForm(rest, owner)
  } catch {
    // Without it, the next run only refreshes once more.
  }
  return {}
}

/** Reads the fields that an `.access` file first had. */
function fromFirstForm(
  { token, issuedAt, expiresAt, scopes }: Record<string, unknown>,
  owner: readonly string[],
): StoredConfig {
  const config = {
    accessToken: token,
    kind: 'refresh-token',
    expiresAt: new Date(Number(expiresAt)).toISOString(),
    expiresIn: (Number(expiresAt) - Number(issuedAt)) / 1_000,
    scopes,
    issuedFor: digest(owner),
  }
  return config as StoredConfig
}

const unusable = (message: string, nextStep: string, cause?: unknown) =>
  new TokenError('store-unwritable', message, nextStep, cause)
