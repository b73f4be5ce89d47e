import { invalid } from '../read-value.ts'
import type { Secret } from '../secret.ts'

/**
 * @param inputs the inputs that hold the two
 * @throws {TokenError} `input` if a secret begins with its own user name, as plain text or in Base64 as HTTP Basic has it
 */
export function refusePair(
  secret: Secret | undefined,
  user: string | undefined,
  inputs: { readonly password: string; readonly user: string },
  { nameOf }: { nameOf(input: string): string },
): void {
  if (secret === undefined || user === undefined) return
  const beginning = `${user}:`
  const inBase64 = secret.derive((value) => Buffer.from(value, 'base64').toString('utf8'))
  if (![secret, inBase64].some((one) => one.startsWith(beginning))) return
  throw invalid(
    `${nameOf(inputs.password)} also contains ${nameOf(inputs.user)}.`,
    `${secret.startsWith(beginning) ? 'Give' : 'Decode the Base64 and give'} only what follows the colon.`,
  )
}
