import { datedTokens, definitionOfKind } from '../credentials/index.ts'
import { TokenError } from '../errors.ts'
import { daysUntil } from '../input-values.ts'
import type { Run } from '../run.ts'

/** When a token expires, as the user says in `expires-on`. Bitbucket does not say it for a token that the user made. */
export interface ExpiryFromUser {
  /** `2027-03-01` */
  readonly day: string
  /** `in 12 days (2027-03-01, according to expires-on)` */
  readonly inWords: string
  /** The same as a sentence, and how to replace the token. */
  readonly message: string
  readonly nextStep: string
  /** Whether at most `warn-before` days are left. */
  readonly isNear: boolean
  /** Whether the day has come, so that Bitbucket may refuse the token. */
  readonly isOver: boolean
}

/** Returns the expiry of the token of a run; undefined if `expires-on` is not set, or is not about this kind. */
export function expiryFromUser(
  kind: string,
  { inputs, rawInputs, world }: Pick<Run, 'inputs' | 'rawInputs' | 'world'>,
): ExpiryFromUser | undefined {
  const { 'expires-on': day, 'warn-before': warnBefore } = inputs()
  const { label, howToReplace } = definitionOfKind(kind)
  if (day === undefined || howToReplace === undefined) return undefined
  const days = daysUntil(day, world.now())
  const expiresOn = rawInputs.nameOf('expires-on')
  const inWords = `${daysInWords(days)} (${day}, according to ${expiresOn})`
  return {
    day,
    inWords,
    message: `The ${label} ${days < 0 ? 'expired' : 'expires'} ${inWords}.`,
    nextStep: `${howToReplace} Then store it, and set ${expiresOn} to its date.`,
    isNear: days <= warnBefore,
    isOver: days <= 0,
  }
}

function daysInWords(days: number): string {
  if (days === 0) return 'today'
  const count = `${Math.abs(days)} ${Math.abs(days) === 1 ? 'day' : 'days'}`
  return days > 0 ? `in ${count}` : `${count} ago`
}

/**
 * Checks a credential, and warns if its token expires soon. If Bitbucket refuses a token whose date has come, the
 * error says that this is the likely reason.
 */
export async function checkAndWarnOfExpiry<Result>(
  kind: string,
  run: Run,
  check: () => Promise<Result>,
): Promise<Result> {
  const expiry = expiryFromUser(kind, run)
  try {
    const result = await check()
    warn(kind, expiry, run)
    return result
  } catch (error) {
    if (expiry?.isOver && error instanceof TokenError && error.code === 'credential-refused') {
      throw probablyExpired(error, expiry)
    }
    warn(kind, expiry, run)
    throw error
  }
}

function warn(kind: string, expiry: ExpiryFromUser | undefined, { inputs, rawInputs, host }: Run): void {
  const expiresOn = rawInputs.nameOf('expires-on')
  if (expiry?.isNear) host.log.warning(`${expiry.message}\n${expiry.nextStep}`)
  if (expiry !== undefined || inputs()['expires-on'] === undefined) return
  const { label } = definitionOfKind(kind)
  host.log.warning(
    `${expiresOn} has no effect. It is the date of an ${datedTokens}, but this run uses: ${label}.\nRemove ${expiresOn}.`,
  )
}

const probablyExpired = (error: TokenError, { message, nextStep }: ExpiryFromUser): TokenError =>
  new TokenError(
    error.code,
    `${error.message} ${message} That is the likely reason.`,
    `${nextStep}\nIf that was not the reason:\n${error.nextStep}`,
    error,
  )
