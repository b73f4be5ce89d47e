import type { Secret } from '../secret.ts'
import type { GitConfigEntry } from './config-environment.ts'
import type { GitCredential } from './credentials-file.ts'
import { type GitPath, spellingsOf } from './git-path.ts'
import { helperScript, type Login, loginOf, variablesOfScope } from './helper.ts'
import { sshPrefixes } from './ssh-addresses.ts'

/** What makes git use a credential. It is all in the environment; no git is started. */
export interface GitConfiguration {
  /** The same in every run with the same options. None holds a secret. */
  readonly entries: readonly GitConfigEntry[]
  /** Variables that the entries read. */
  readonly variables: ReadonlyMap<string, string | Secret>
}

export interface GitConfigurationOptions extends Omit<Login, 'gitUsername'> {
  /** Which workspaces and repositories use the credential; empty for all of them. */
  readonly paths: readonly GitPath[]
  /** Also send SSH addresses through the credential, in every form that git accepts. */
  readonly rewriteSshUrls: boolean
}

/**
 * A credential helper for Bitbucket's host, or for some of its workspaces and repositories, and for nothing else.
 *
 * - The empty entry first drops the helpers that were configured before it: git would hand our token to each of them
 *   after a success (`approve`), and ask them before us.
 * - The helper gives user name and password together, which also replaces a user name in the URL; a `store` file,
 *   netrc or GIT_ASKPASS keep that name and fail (git: credential.c; Bitbucket's own clone URLs have one).
 * - The token is in a variable of its own, one for each scope, and not in a file: a path inside a value does not exist
 *   in a container action (actions/runner: ContainerInfo.cs translates only a value that is a path).
 * - git-lfs sends the credential at once. Bitbucket's LFS answers strangers 403, while only 401 makes git-lfs ask for
 *   one (git-lfs issue 2658); its configuration matches every repository below the URL (url_config.go).
 * - Bitbucket has large files verified under the id of the repository, whose address names no workspace (git-lfs issues 2058
 *   and 3770). With `{}` git-lfs sends the credential there too; it takes that of the remote's own address (lfsapi/auth.go).
 * - `useHttpPath` makes git-lfs tell git the path of a repository (creds.go), without which git does not find the helper
 *   of a path.
 *
 * The keys with a URL match every path below it and every user name (git: urlmatch.c).
 */
export function gitConfiguration(
  url: URL,
  { gitUsername, secret }: GitCredential,
  { paths, rewriteSshUrls, ...login }: GitConfigurationOptions,
): GitConfiguration {
  const parts = paths.length === 0 ? [''] : paths.map((path) => `/${path}`)
  const variables = new Map<string, string | Secret>()
  const entries = parts.flatMap((part) => {
    const names = variablesOfScope(`${url.origin}${part.toLowerCase()}`)
    variables.set(names.password, secret).set(names.login, loginOf({ gitUsername, ...login }))
    const scopes = part === '' ? [''] : spellingsOf(part)
    return scopes.flatMap((scope) =>
      helperEntries(`${url.origin}${scope}`, helperScript(names), scope !== ''),
    )
  })
  const verification: GitConfigEntry[] = paths.length === 0 ? [] : [[`lfs.${url.origin}/{}.access`, 'basic']]
  const rewriting = rewriteSshUrls ? parts.flatMap((part) => rewritingEntries(url, part)) : []
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
 * git replaces the beginning of an address, whatever follows (git: "url.<base>.insteadOf"). So a workspace ends with its
 * slash, and a repository with `.git`: without, `acme/website` would also rewrite `acme/website-2`.
 */
function rewritingEntries({ origin, hostname }: URL, part: string): GitConfigEntry[] {
  const isRepository = part.lastIndexOf('/') > 0
  const ends =
    part === '' ? [''] : isRepository ? spellingsOf(part) : spellingsOf(part).map((end) => `${end}/`)
  const whole = isRepository ? ends.flatMap((end) => (end.endsWith('.git') ? [end] : [`${end}/`])) : ends
  return whole.flatMap((end) =>
    sshPrefixes(hostname).map((prefix): GitConfigEntry => {
      const path = end.replace(/^\//, '')
      return [`url.${origin}/${path}.insteadOf`, `${prefix}${path}`]
    }),
  )
}
