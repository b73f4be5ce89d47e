import type { Credential } from '../bitbucket/credential.ts'
import { percentEncode, type Secret } from '../secret.ts'

/** What git sends over https. */
export type GitCredential = Pick<Credential, 'gitUsername' | 'secret'>

/** The file's name; not one that actions/checkout's clean-up matches (`git-credentials-<hex>.config`). */
export const credentialsFileName = 'git-credentials'

/**
 * The content of a git-credentials file: git's `store` format, one URL a line, LF also on Windows (git:
 * builtin/credential-store.c; with CRLF no entry matches). User and secret are percent-encoded, and so is the
 * colon before a port.
 * @param url where Bitbucket serves git
 */
export function credentialsFile(url: URL, { gitUsername, secret }: GitCredential): Secret {
  return secret.derive(
    (value) =>
      `${url.protocol}//${percentEncode(gitUsername)}:${percentEncode(value)}@${percentEncode(url.host)}\n`,
  )
}
