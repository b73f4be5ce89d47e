import type { Credential } from '../bitbucket/credential.ts'
import { percentEncode, type Secret } from '../secret.ts'

/** What git sends over https. */
export type GitCredential = Pick<Credential, 'gitUsername' | 'secret'>

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
export function credentialsFile(url: URL, { gitUsername, secret }: GitCredential): Secret {
  return secret.derive(
    (value) =>
      `${url.protocol}//${percentEncode(gitUsername)}:${percentEncode(value)}@${percentEncode(url.host)}\n`,
  )
}
