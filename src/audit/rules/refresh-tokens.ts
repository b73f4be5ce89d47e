import type { Match, Rule, Source } from '../rule.ts'

/** Matches the files in which CIs define their jobs. */
const ciFile =
  /(?:^|\/)(?:\.(?:github|gitea|forgejo)\/.+\.ya?ml|action\.ya?ml|bitbucket-pipelines[^/]*\.ya?ml|\.?gitlab-ci[^/]*\.ya?ml|azure-pipelines[^/]*\.ya?ml|\.circleci\/.+\.ya?ml|\.buildkite\/.+\.ya?ml|\.?(?:drone|travis|codefresh)\.ya?ml|\.woodpecker(?:\/.+)?\.ya?ml|\.harness\/.+\.ya?ml|jenkinsfile[^/]*)$/i

/** A way in which a job refreshes a token. */
interface Refresh {
  /** Matches the program or request that refreshes. */
  readonly refresher: RegExp
  /** Matches the refresh token that it gets, or the grant that it uses. */
  readonly token: RegExp
  /** Matches what saves the new token. */
  readonly store: RegExp
  /** Where to search for both. Actions and pipes get only the inputs of their own step. */
  readonly within: 'step' | 'file'
}

const refreshTable: readonly Refresh[] = [
  {
    refresher: /\buses:\s{0,4}["']?bitbucket-token\/bitbucket-token@/g,
    token: /(?<![\w-])refresh-token["']?\s*:/,
    store: /save-refresh-token["']?\s*:/,
    within: 'step',
  },
  {
    refresher: /\bpipe:\s{0,4}["']?(?:docker:\/\/)?bitbucket-?token\/bitbucket-token:/g,
    token: /(?<!\w)BITBUCKET_REFRESH_TOKEN["']?\s*:/,
    store: /BITBUCKET_SAVE_REFRESH_TOKEN["']?\s*:/,
    within: 'step',
  },
  {
    refresher:
      /(?<!pipe: docker:\/\/)\bbitbuckettoken\/bitbucket-token\b|\bnpx (?:--yes |-y )?bitbucket-token\b/g,
    token: /(?<!\w)BITBUCKET_REFRESH_TOKEN\b/,
    store: /SAVE_REFRESH_TOKEN|--save-refresh-token/,
    within: 'file',
  },
  {
    refresher: /\bbitbucket\.org\/site\/oauth2\/access_token\b/g,
    token: /\bgrant_type["']?\s{0,3}[=:]\s{0,3}["']?refresh_token\b/,
    // Scripts without this program save it in variables of GitHub, GitLab or Bitbucket, or in a vault.
    store:
      /gh secret set|glab variable|\/variables\b|pipelines[-_]config|vault kv|secretsmanager|secrets? versions add|keyvault secret set/,
    within: 'file',
  },
]

function* refreshes({ path, text, isWholeFile }: Source): Iterable<Match> {
  // A file that is too large for one part is not a hand-written job.
  if (!ciFile.test(path) || !isWholeFile) return
  // Comments become spaces of the same length, so that all offsets stay the same.
  const code = text.replace(/^[ \t]*#.*$/gm, (comment) => ' '.repeat(comment.length))
  for (const { refresher, token, store, within } of refreshTable) {
    const places = [...code.matchAll(refresher)].map(({ index }) => stepAround(code, index) ?? nowhere)
    for (const { start, end } of within === 'step' ? places : places.slice(0, 1).map(() => whole(code))) {
      const part = code.slice(start, end)
      const found = token.exec(part)
      if (found === null || store.test(part)) continue
      yield { start: start + found.index, end: start + found.index + found[0].length }
    }
  }
}

const nowhere = { start: 0, end: 0 }
const whole = (text: string) => ({ start: 0, end: text.length })

/** How far to search for the start and the end of a step, in characters. */
const maxStepLength = 8_000

/**
 * Finds the item of a YAML list that contains an offset: from its dash to the next line that is not indented more. Returns
 * undefined outside of a list.
 */
function stepAround(
  text: string,
  offset: number,
): { readonly start: number; readonly end: number } | undefined {
  const from = Math.max(0, offset - maxStepLength)
  const before = text.slice(from, offset)
  const column = before.length - (before.lastIndexOf('\n') + 1)
  const dashes = [...before.matchAll(/^( {0,80})- /gm)]
  const dash = dashes.findLast(([, indent = '']) => indent.length < column)
  if (dash === undefined) return undefined
  const after = text
    .slice(offset, offset + maxStepLength)
    .search(new RegExp(`\\n {0,${dash[1]?.length ?? 0}}[^ \\r\\n]`))
  return { start: from + dash.index, end: after < 0 ? offset + maxStepLength : offset + after }
}

/** A refresh returns a new refresh token, and the old one expires ten minutes later (docs/refresh-tokens.md). */
export const refreshTokens: readonly Rule[] = [
  {
    id: 'refresh-token-without-store',
    level: 'error',
    what: 'A job refreshes a token but does not save the new one. The old one then expires, so a later run fails.',
    instead:
      'Set save-refresh-token (BITBUCKET_SAVE_REFRESH_TOKEN), or use client credentials, which need no store.',
    find: refreshes,
  },
]
