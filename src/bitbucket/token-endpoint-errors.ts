import type { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'
import { isHtml, readObject } from './answers.ts'
import type { Client, SignedApp } from './client.ts'
import type { Issuance } from './credential.ts'
import { refusedByTokenEndpoint } from './refusals.ts'
import { wrongInputHint } from './token-formats.ts'
import { unusable } from './unusable.ts'

/** The request to which the token endpoint gave no token. */
interface TokenRequest {
  readonly url: URL
  readonly kind: Issuance
  readonly client: Client | SignedApp
  readonly form: Secret
}

/** Returns the error for an answer of the token endpoint without a token. */
export function tokenEndpointError(response: HttpAnswer, request: TokenRequest): TokenError {
  const { status } = response
  const { url, kind } = request
  const reportsError = status === 200 && readObject(response) !== undefined
  // A 401 always speaks of the credential. An HTML page with status 400 or 403 does not come from Bitbucket.
  if (reportsError || status === 401 || ((status === 400 || status === 403) && !isHtml(response))) {
    return refusedByTokenEndpoint(response, kind, wrongInputHintIn(request))
  }
  return unusable(response, url, status === 200 ? 'a bearer token in JSON' : 'a token')
}

/** Returns which input holds a value of another kind, if the value shows it. */
function wrongInputHintIn({ client, form }: TokenRequest): string | undefined {
  if ('jwt' in client) return undefined
  const refreshToken = form.derive((value) => new URLSearchParams(value).get('refresh_token') ?? '')
  return wrongInputHint(client.secret, 'client-secret') ?? wrongInputHint(refreshToken, 'refresh-token')
}
