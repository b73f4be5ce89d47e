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
 * - git-lfs takes the credential at once. Bitbucket's LFS answers strangers 403 where 401 would make git-lfs ask for
 *   one (git-lfs issue 2658); its configuration matches every repository below the origin (url_config.go).
 *
 * The keys with a URL match every path on the host and every user name (git: urlmatch.c), also with
 * `credential.useHttpPath`.
 */
export function gitConfiguration(
  url: URL,
  credential: GitCredential,
  { expiresAt, rewriteSshUrls }: GitConfigurationOptions,
): GitConfiguration {
  const variable = `BITBUCKET_GIT_PASSWORD_${url.host.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
  const helper = `credential.${url.origin}.helper`
  const insteadOf = `url.${url.origin}/.insteadOf`
  const entries: GitConfigEntry[] = [
    [helper, ''],
    [helper, helperScript(credential.gitUsername, variable, expiresAt)],
    [`lfs.${url.origin}.access`, 'basic'],
  ]
  if (rewriteSshUrls) {
    entries.push([insteadOf, `git@${url.hostname}:`], [insteadOf, `ssh://git@${url.hostname}/`])
  }
  return { entries, variables: new Map([[variable, credential.token]]) }
}

/**
 * One line of POSIX sh, which git also finds on Windows. After the token's end it refuses to answer: git before 2.41
 * does not read `password_expiry_utc`, and git-lfs up to 3.7 asks a helper whose answer is refused again and again,
 * a thousand times in six seconds.
 */
function helperScript(user: string, variable: string, expiresAt: number | undefined): string {
  const get = `test "$1" = get && test -n "$${variable}"`
  const answer = (more: string) => `printf 'username=${user}\\npassword=%s\\n${more}' "$${variable}"`
  if (expiresAt === undefined) return `!f() { if ${get}; then ${answer('')}; fi; }; f`
  const end = Math.floor(expiresAt / 1_000)
  const time = new Date(end * 1_000).toISOString().replace('.000Z', 'Z')
  const ended = `echo 'bitbucket-token: the token ended at ${time}; run bitbucket-token again' >&2; echo quit=1`
  return (
    `!f() { if ! { ${get}; }; then :; elif test "$(date +%s)" -ge ${end} 2>/dev/null; then ${ended}; ` +
    `else ${answer(`password_expiry_utc=${end}\\n`)}; fi; }; f`
  )
}
