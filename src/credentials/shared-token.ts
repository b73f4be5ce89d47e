import type { Credential } from '../bitbucket/credential.ts'
import type { Secret } from '../secret.ts'
import type { CachedToken } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { bearer } from './bearer.ts'
import { type ChosenCredential, definitionOfKind, inputsOfKind } from './index.ts'

/** All that distinguishes one credential from another, including secrets. */
export type Identity = readonly (string | Secret)[]

/** Returns the identity under which processes share the token of a credential, in the command line and in the library. */
export function identityOf(
  { kind, inputs }: ChosenCredential,
  { url, scopes }: { readonly url: URL; readonly scopes: readonly string[] },
): Identity {
  return [
    url.href,
    ...inputsOfKind(kind).map((name) => inputs[name] ?? ''),
    ...(definitionOfKind(kind).asksForScopes ? scopes : []),
  ]
}

/** Returns what a cache keeps of a credential. */
export const cachedOf = (
  { secret, expiresIn = 0, expiresAt, scopes, refreshToken }: Credential,
  { now }: Pick<World, 'now'>,
): CachedToken => ({
  token: secret,
  expiresAt: expiresAt ?? now(),
  lifetime: expiresIn * 1_000,
  scopes,
  refreshToken,
})

/** Returns the credential for a token in a cache. */
export function credentialOf(
  kind: string,
  { token, expiresAt, scopes }: CachedToken,
  { now }: Pick<World, 'now'>,
): Credential {
  const expiresIn = Math.max(0, Math.floor((expiresAt - now()) / 1_000))
  return { ...bearer(kind, token), expiresIn, expiresAt, scopes }
}
