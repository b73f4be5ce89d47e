import type { Secret } from '../secret.ts'
import type { GitConfigEntry } from './config-environment.ts'
import type { GitCredential } from './credentials-file.ts'

/** What makes git use a credential, all of it in the environment: no file is written, no git is started. */
export interface GitConfiguration {
  readonly entries: readonly GitConfigEntry[]
  /** Variables that the entries read. */
  readonly variables: ReadonlyMap<string, Secret>
}

export interface GitConfigurationOptions {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined
  /** Also send `git@host:` and `ssh://git@host/` through the credential. */
  readonly rewriteSshUrls: boolean
}

/**
 * A read-only credential helper for Bitbucket's host, and for no other.
 *
 * - The empty entry first drops the helpers that were configured before: git would hand our token to each of them
 *   after a success (`approve`), and ask them before us.
 * - The helper gives user name and password together, which also replaces a user name in the URL; a `store` file,
 *   netrc or GIT_ASKPASS keep that name and fail (git: credential.c; Bitbucket's own clone URLs have one).
 * - It ignores `store` and `erase`, so a refused token empties nothing.
 * - The token stands in a variable of its own, one a host, and not in a file: a path inside a value does not exist
 *   in a container action (actions/runner: ContainerInfo.cs translates only a value that is a path).
 *
 * The keys with a URL match every path on the host and every user name (git: urlmatch.c), also with
 * `credential.useHttpPath`.
 */
export function gitConfiguration(
  url: URL,
  { gitUsername, token }: GitCredential,
  { expiresAt, rewriteSshUrls }: GitConfigurationOptions,
): GitConfiguration {
  const variable = `BITBUCKET_GIT_PASSWORD_${url.host.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
  const answer = [`username=${gitUsername}`, 'password=%s']
  // Since git 2.41 a password is not used past its expiry; older ones skip the line.
  if (expiresAt !== undefined) answer.push(`password_expiry_utc=${Math.floor(expiresAt / 1_000)}`)
  const helper = `!f() { test "$1" != get || test -z "$${variable}" || printf '${answer.join('\\n')}\\n' "$${variable}"; }; f`
  const helperKey = `credential.${url.origin}.helper`
  const insteadOf = `url.${url.origin}/.insteadOf`
  return {
    entries: [
      [helperKey, ''],
      [helperKey, helper],
      ...(rewriteSshUrls
        ? ([
            [insteadOf, `git@${url.hostname}:`],
            [insteadOf, `ssh://git@${url.hostname}/`],
          ] as const)
        : []),
    ],
    variables: new Map([[variable, token]]),
  }
}
