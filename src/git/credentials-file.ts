import { percentEncode, type Secret } from '../secret.ts'

/** The user name and token that git sends over https. */
export interface GitCredential {
  readonly gitUsername: string
  readonly token: Secret
}

/**
 * The name of the file. The clean-up of actions/checkout, which removes `git-credentials-<hex>.config`, does not match
 * it.
 */
export const credentialsFileName = 'git-credentials'

/**
 * Returns the content of a git-credentials file in git's `store` format: one URL per line, with LF even on Windows,
 * because entries with CRLF never match (git: builtin/credential-store.c). The user name, the secret and the colon
 * before a port are percent-encoded.
 * @param url where Bitbucket serves git
 */
export function credentialsFile(url: URL, { gitUsername, token }: GitCredential): Secret {
  return token.derive(
    (value) =>
      `${url.protocol}//${percentEncode(gitUsername)}:${percentEncode(value)}@${percentEncode(url.host)}\n`,
  )
}
