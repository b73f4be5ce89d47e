import type { Secret } from '../secret.ts'

interface TokenFormat {
  readonly pattern: RegExp
  /** Completes "The value of access-token is …". */
  readonly is: string
  /** The inputs that accept such a value. */
  readonly fits: readonly string[]
  /** A sentence that says where the value belongs. */
  readonly belongs: string
}

/**
 * The formats of the tokens of Bitbucket, GitHub and GitLab. The prefixes are those of trufflehog's detectors
 * (`jiratoken/v2`, `atlassian/v2`, `bitbucketapppassword`, `github/v2`, `gitlab/v2`). The lengths of client IDs and
 * secrets are in the Bitbucket plugin of Jenkins (BitbucketOAuthCredentialMatcher.java).
 */
const formats: readonly TokenFormat[] = [
  {
    pattern: /^ATATT/,
    is: 'an API token (ATATT…)',
    fits: ['api-token'],
    belongs: "It belongs in api-token, with its account's email address in email.",
  },
  {
    pattern: /^ATCTT/,
    is: 'an access token (ATCTT…)',
    fits: ['access-token'],
    belongs: 'It belongs in access-token.',
  },
  {
    pattern: /^ATBB/,
    is: 'an app password (ATBB…)',
    fits: [],
    belongs: 'Bitbucket removed app passwords on 2026-07-28.',
  },
  {
    pattern: /^(gh[opsur]_|github_pat_)/,
    is: 'a GitHub token',
    fits: [],
    belongs: 'Bitbucket does not accept it.',
  },
  {
    pattern: /^gl(pat|dt|cbt|ptt|oas|rt|soat)-/,
    is: 'a GitLab token',
    fits: [],
    belongs: 'Bitbucket does not accept it.',
  },
  {
    // Bitbucket's newer OAuth tokens and the OIDC tokens of Pipelines have this format.
    pattern: /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/,
    is: 'a JWT, like an OAuth access token',
    fits: ['access-token', 'refresh-token'],
    belongs:
      'An OAuth access token belongs in access-token; Bitbucket does not accept the OIDC tokens of Pipelines.',
  },
  {
    pattern: /^([A-Za-z\d]{18}|[A-Za-z\d]{32}|[A-Za-z\d]{76})$/,
    is: 'as long as the ID or secret of an OAuth client',
    // Refresh tokens from before 2026 can also have these lengths.
    fits: ['client-secret', 'refresh-token', 'connect-shared-secret'],
    belongs: 'Those belong in client-id and client-secret.',
  },
]

/**
 * Returns two sentences that say what a value is and where it belongs, or undefined if it may be right for its input.
 * They contain no part of the value.
 * @param input the input that holds the value
 */
export function wrongInputHint(value: Secret, input: string): string | undefined {
  const format = formats.find(({ pattern }) => value.matches(pattern))
  if (format === undefined || format.fits.includes(input)) return undefined
  return `The value of ${input} is ${format.is}. ${format.belongs}`
}
