import type { Secret } from '../secret.ts'

/** A format by which a value shows what it is. */
export interface TokenFormat {
  readonly pattern: RegExp
  /** Completes "The value of access-token is …". */
  readonly is: string
  /** The inputs that accept such a value. */
  readonly fits: readonly string[]
  /** A sentence that says where the value belongs. */
  readonly belongs: string
}

/**
 * The formats of values that are no credential for Bitbucket. The prefixes here and in the kinds are those of trufflehog's
 * detectors (`jiratoken/v2`, `atlassian/v2`, `bitbucketapppassword`, `github/v2`, `gitlab/v2`).
 */
export const foreignFormats: readonly TokenFormat[] = [
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
]

/**
 * Returns two sentences that say what a value is and where it belongs, or undefined if it may be right for its input.
 * They contain no part of the value.
 * @param input the input that holds the value
 */
export function wrongInputHint(
  value: Secret,
  input: string,
  formats: readonly TokenFormat[],
): string | undefined {
  const format = formats.find(({ pattern }) => value.matches(pattern))
  if (format === undefined || format.fits.includes(input)) return undefined
  return `The value of ${input} is ${format.is}. ${format.belongs}`
}
