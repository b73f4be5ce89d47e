import type { Match, Rule, Source } from '../rule.ts'

/** Where CIs have their jobs. */
const ciFile =
  /(?:^|\/)(?:\.(?:github|gitea|forgejo)\/.+\.ya?ml|action\.ya?ml|bitbucket-pipelines[^/]*\.ya?ml|\.?gitlab-ci[^/]*\.ya?ml|azure-pipelines[^/]*\.ya?ml|\.circleci\/.+\.ya?ml|\.buildkite\/.+\.ya?ml|\.?(?:drone|travis|codefresh)\.ya?ml|\.woodpecker(?:\/.+)?\.ya?ml|\.harness\/.+\.ya?ml|jenkinsfile[^/]*)$/i

interface Way {
  readonly refresher: RegExp
  /** What is handed to it, or done with it. */
  readonly token: RegExp
  /** What shows that the new token is kept. */
  readonly store: RegExp
  /** Where both must stand: an action and a pipe get nothing but what their step says. */
  readonly within: 'step' | 'file'
}

const ways: readonly Way[] = [
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
    // By hand: GitHub's or GitLab's variables, Bitbucket's own, or a vault.
    store:
      /gh secret set|glab variable|\/variables\b|pipelines[-_]config|vault kv|secretsmanager|secrets? versions add|keyvault secret set/,
    within: 'file',
  },
]

function* refreshes({ path, text, isWholeFile }: Source): Iterable<Match> {
  // Nobody writes a job of this length.
  if (!ciFile.test(path) || !isWholeFile) return
  // As long as before, so that every offset stays.
  const code = text.replace(/^[ \t]*#.*$/gm, (comment) => ' '.repeat(comment.length))
  for (const { refresher, token, store, within } of ways) {
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

/** So far a step is followed, up and down, in characters. */
const longestStep = 8_000

/** The item of a YAML list that an offset is in: from its dash to the next line that is no deeper; none in other text. */
function stepAround(
  text: string,
  offset: number,
): { readonly start: number; readonly end: number } | undefined {
  const from = Math.max(0, offset - longestStep)
  const before = text.slice(from, offset)
  const column = before.length - (before.lastIndexOf('\n') + 1)
  const dashes = [...before.matchAll(/^( {0,80})- /gm)]
  const dash = dashes.findLast(([, indent = '']) => indent.length < column)
  if (dash === undefined) return undefined
  const after = text
    .slice(offset, offset + longestStep)
    .search(new RegExp(`\\n {0,${dash[1]?.length ?? 0}}[^ \\r\\n]`))
  return { start: from + dash.index, end: after < 0 ? offset + longestStep : offset + after }
}

/** A refresh gives a new refresh token, and the old one ends ten minutes later (docs/refresh-tokens.md). */
export const refreshTokens: readonly Rule[] = [
  {
    id: 'refresh-token-without-store',
    level: 'error',
    what: 'A job refreshes a token and does not keep the new one: the old one is spent, so a later run fails.',
    instead: 'save-refresh-token (BITBUCKET_SAVE_REFRESH_TOKEN), or client credentials, which need no store.',
    isSecret: false,
    inHistory: false,
    find: refreshes,
  },
]
