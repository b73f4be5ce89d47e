import { TokenError } from './errors.ts'
import { hasUnseen } from './log-safe.ts'

/** Returns the error for a wrong input. */
export const invalid = (message: string, nextStep: string) => new TokenError('input', message, nextStep)

/**
 * What a CI, a shell or a template replaces by a value. The text between the delimiters may be anything but a delimiter,
 * because each CI allows other names, defaults and expressions there.
 */
const placeholders: readonly RegExp[] = [
  // GitHub, Gitea, Forgejo, Codefresh, Azure; also inside another text.
  /\$\{\{/,
  // Shells; Drone and Woodpecker double the `$`; PowerShell; Jenkins, Bamboo, Maven, Terraform.
  /^\$+[A-Za-z_]\w*$/,
  /^\$env:\w+$/i,
  /^\$+\{[^{}]*\}$/,
  // Azure, Tekton, and a command that no shell has run.
  /^\$\([^()]*\)$/,
  // GitLab's `inputs`, and expressions of Azure.
  /^\$\[.*\]$/,
  // TeamCity and Windows.
  /^%[A-Za-z_][^%\s]*%$/,
  // CircleCI, Harness, and a value to be filled in.
  /^<{1,2}[^<>]*>{1,2}$/,
  // Ansible, Argo, Helm.
  /^\{\{[^{}]*\}\}$/,
  // Concourse.
  /^\(\([^()]*\)\)$/,
]

/** In the quotes of a shell or YAML, or in those that editors and chats put in their place. */
const quoted = /^(?:(["'`]).*\1|[“”„].*[“”]|[‘’‚].*[‘’]|«.*»)$/s

/**
 * Returns the text of an input, trimmed; undefined if it is empty. Assumes no length and no alphabet.
 * @param what how to name the value to the user
 * @param rules whether it is a secret, and whether it goes into a header unchanged
 * @throws {TokenError} `input` if the value is clearly not what was meant. The message never shows the value.
 */
export function readValue(
  text: string | undefined,
  what: string,
  { secret = false, inHeader = false }: { readonly secret?: boolean; readonly inHeader?: boolean } = {},
): string | undefined {
  const value = text?.trim()
  if (value === undefined || value === '') return undefined
  if (placeholders.some((pattern) => pattern.test(value))) {
    throw invalid(
      `${what} contains a placeholder instead of a value.`,
      'The variable or secret that it names does not exist here, or the CI did not replace it. Check its name, and that this job may use it.',
    )
  }
  if (secret) refuseMoreThanSecret(value, what)
  if (quoted.test(value)) {
    throw invalid(`${what} has quotes around it.`, 'Store the value without quotes.')
  }
  if (/[\r\n]/.test(value)) {
    throw invalid(
      `${what} has more than one line.`,
      'Copy the value again, without the line break, and store it as one line.',
    )
  }
  if (inHeader && /[^\x20-\x7e]/.test(value)) {
    throw invalid(
      `${what} contains a character that is not allowed in an HTTP header.`,
      'Copy the value again. An access token contains only ASCII characters.',
    )
  }
  if (inHeader && value.includes(' ')) {
    throw invalid(`${what} contains a space.`, 'Give only the token, without words before or after it.')
  }
  if (value.includes('\t') || hasUnseen(value)) {
    throw invalid(
      `${what} contains an invisible character.`,
      'Copy the value again from where it was created, not from a chat or a document.',
    )
  }
  if (secret && value.startsWith('ATBB')) {
    throw invalid(
      `${what} is an app password.`,
      'Bitbucket removed app passwords on 2026-07-28. Create an API token (and give its email), an access token or an OAuth client instead.',
    )
  }
  return value
}

interface Wrapping {
  readonly pattern: RegExp
  /** What is wrong. It completes "<name of the input> …". */
  readonly what: string
  readonly nextStep: string
}

const giveOnlyToken = 'Give only the token. This program adds what goes before it.'

/**
 * What people paste together with a secret. None of it can be part of a secret, because each contains a space or is a known
 * beginning.
 */
const wrappings: readonly Wrapping[] = [
  {
    pattern: /^(curl|-u|-H|--user|--header)\s|^--(user|header)=/,
    what: 'is a piece of a curl command.',
    nextStep: 'Give only the secret, without options and quotes.',
  },
  {
    pattern: /^["']?(proxy-)?authorization["']?\s*[:=]/i,
    what: 'is a whole Authorization header.',
    nextStep: giveOnlyToken,
  },
  {
    pattern: /^basic\s/i,
    what: 'begins with "Basic".',
    nextStep:
      'It contains a user name and a secret in Base64. Give them separately, in email and api-token or in client-id and client-secret.',
  },
  { pattern: /^bearer\s/i, what: 'begins with "Bearer".', nextStep: giveOnlyToken },
  { pattern: /^(jwt|token)\s/i, what: 'begins with the name of a scheme.', nextStep: giveOnlyToken },
  {
    pattern: /^[a-z][a-z\d+.-]*:\/\//i,
    what: 'is a web address.',
    nextStep: 'Give only the token: the part after the user name and its colon, and before the "@".',
  },
  {
    pattern: /^x-(token|bitbucket-api-token)-auth\s*:/i,
    what: 'begins with the user name that git sends.',
    nextStep: 'Give only what follows the colon. This program adds the user name.',
  },
  {
    pattern: /^[^\s:@]+@[^\s:@]+\.[a-z]{2,}:/i,
    what: 'begins with an email address.',
    nextStep: 'Give the email address in email, and what follows the colon in api-token.',
  },
  {
    pattern: /^(export\s+|set\s+)?BITBUCKET_\w+\s*[:=]/,
    what: 'begins with the name of a variable.',
    nextStep: 'Give only the value of that variable.',
  },
  {
    pattern: /^\{\s*"(access|refresh)_token"/,
    what: 'is a JSON document.',
    nextStep: 'Give only the value of the field, without quotes.',
  },
  {
    // Any name before a known beginning of a token: `user:ATATT…`, `token: ATCTT…`.
    pattern: /^[^\s:=]+\s*[:=]\s*["']?(AT[AC]TT|ATBB)/,
    what: 'has a name before the token.',
    nextStep: 'Give only the token. A user name or email address has its own input.',
  },
]

/**
 * @throws {TokenError} `input` if a secret was pasted together with something that is not part of it. It never shows the
 * value.
 */
function refuseMoreThanSecret(value: string, what: string): void {
  // A quote at the beginning must not hide the pattern.
  const bare = value.replace(/^["'`]/, '').trimStart()
  const wrapping = wrappings.find(({ pattern }) => pattern.test(bare))
  if (wrapping !== undefined) throw invalid(`${what} ${wrapping.what}`, wrapping.nextStep)
}
