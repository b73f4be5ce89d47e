import type { Secret } from '../secret.ts'
import type { GitConfigEntry } from './config-environment.ts'
import type { GitCredential } from './credentials-file.ts'
import { type GitPath, spellingsOf } from './git-path.ts'
import { helperScript, type Login, loginOf, variablesOfScope } from './helper.ts'
import { sshPrefixes } from './ssh-addresses.ts'

/** The configuration that makes git use a credential. It is set through the environment, without running git. */
export interface GitConfiguration {
  /** The same in every run with the same options. They contain no secret. */
  readonly entries: readonly GitConfigEntry[]
  /** Variables that the entries read. */
  readonly variables: ReadonlyMap<string, string | Secret>
}

export interface GitConfigurationOptions extends Omit<Login, 'gitUsername'> {
  /** The workspaces and repositories that use the credential; empty for all of them. */
  readonly paths: readonly GitPath[]
  /**
   * The command of a helper that git asks instead, so that git gets a new token when the old one expires. Then the
   * configuration contains no token.
   */
  readonly helper?: string | undefined
  /** Whether to rewrite SSH addresses to https, in every form that git accepts. */
  readonly rewriteSshUrls: boolean
}

/**
 * Returns the configuration of a credential helper for Bitbucket's host, or for some of its workspaces and
 * repositories.
 *
 * - The empty entry comes first and removes the helpers that were configured before. Otherwise git would ask them
 *   before ours, and would give each of them our token after a success (`approve`).
 * - The helper returns user name and password together, so it also replaces a user name in the URL, which Bitbucket's
 *   own clone URLs contain. A `store` file, netrc or GIT_ASKPASS would keep that name and fail (git: credential.c).
 * - The token is in one variable per scope, not in a file, because a path inside a value does not exist in a container
 *   action (actions/runner: ContainerInfo.cs translates only a value that is a path).
 * - `lfs.<url>.access` makes git-lfs send the credential with its first request. It would send one only after a 401,
 *   but Bitbucket's LFS answers 403 without one (git-lfs issue 2658). The entry matches every repository below the URL
 *   (url_config.go).
 * - Bitbucket verifies large files at an address that contains the repository's id and no workspace (git-lfs issues
 *   2058 and 3770). With `{}`, git-lfs also sends the credential there, and takes it from the address of the remote
 *   (lfsapi/auth.go).
 * - `useHttpPath` makes git-lfs tell git the path of a repository (creds.go). Without it, git does not find the helper
 *   of a path.
 *
 * A key with a URL matches every path below it and every user name (git: urlmatch.c).
 */
export function gitConfiguration(
  url: URL,
  { gitUsername, secret }: GitCredential,
  { paths, rewriteSshUrls, helper, ...login }: GitConfigurationOptions,
): GitConfiguration {
  // The empty path stands for all of Bitbucket.
  const wholeHost = paths.length === 0
  const covered = wholeHost ? [''] : paths
  const scopeOf = (path: string) => (wholeHost ? url.origin : `${url.origin}/${path}`)
  const variables = new Map<string, string | Secret>()
  const entries = covered.flatMap((path) => {
    const names = variablesOfScope(scopeOf(path.toLowerCase()))
    if (helper === undefined) {
      variables.set(names.password, secret).set(names.login, loginOf({ gitUsername, ...login }))
    }
    return spellingsOf(path).flatMap((spelling) =>
      helperEntries(scopeOf(spelling), helper ?? helperScript(names), !wholeHost),
    )
  })
  const verification: GitConfigEntry[] = wholeHost ? [] : [[`lfs.${url.origin}/{}.access`, 'basic']]
  const rewriting = rewriteSshUrls ? covered.flatMap((path) => rewritingEntries(url, path)) : []
  return { entries: [...entries, ...verification, ...rewriting], variables }
}

function helperEntries(scope: string, script: string, isPath: boolean): GitConfigEntry[] {
  const helper = `credential.${scope}.helper`
  return [
    [helper, ''],
    [helper, script],
    ...(isPath ? [[`credential.${scope}.useHttpPath`, 'true'] as const] : []),
    [`lfs.${scope}.access`, 'basic'],
  ]
}

/**
 * Returns the entries that rewrite SSH addresses. git replaces a prefix whatever follows it (git:
 * "url.<base>.insteadOf"), so `acme/website` alone would also rewrite `acme/website-2`. A workspace therefore ends with
 * a slash, and a repository with `.git` or a slash.
 */
function rewritingEntries({ origin, hostname }: URL, path: string): GitConfigEntry[] {
  const isComplete = (spelling: string) => spelling === '' || spelling.endsWith('.git')
  const ends = spellingsOf(path).map((spelling) => (isComplete(spelling) ? spelling : `${spelling}/`))
  return ends.flatMap((end) =>
    sshPrefixes(hostname).map(
      (prefix): GitConfigEntry => [`url.${origin}/${end}.insteadOf`, `${prefix}${end}`],
    ),
  )
}
