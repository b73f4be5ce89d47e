import type { Credential, CredentialKind } from '../bitbucket/credential.ts'
import { accessToken } from './access-token.ts'
import { apiToken } from './api-token.ts'
import { clientCredentials } from './client-credentials.ts'
import { connectApp } from './connect-app.ts'
import type { CredentialInput, CredentialInputs, GrantContext, KindDefinition } from './kind.ts'
import { refreshTokenGrant } from './refresh-token.ts'

type AnyKind = Omit<KindDefinition<never>, 'inputs'> & { readonly inputs: readonly CredentialInput[] }

/** The kinds of credential, in the order in which messages name them. */
export const kinds: readonly AnyKind[] = [
  clientCredentials,
  refreshTokenGrant,
  apiToken,
  accessToken,
  connectApp,
]
export const credentialKinds: readonly CredentialKind[] = kinds.map(({ kind }) => kind)

/** All inputs that make up credentials, in the order in which messages name them. */
export const credentialInputs: readonly CredentialInput[] = [
  ...new Set(kinds.flatMap(({ inputs }) => inputs)),
]

export function definitionOfKind(kind: CredentialKind): AnyKind {
  const definition = kinds.find((one) => one.kind === kind)
  if (definition === undefined) throw new Error(`there is no kind of credential ${kind}`)
  return definition
}

/** The inputs that the user gave for one kind of credential: all that the kind needs. */
export interface GivenCredential {
  readonly kind: CredentialKind
  readonly inputs: CredentialInputs
}

/**
 * Returns a usable credential from what was given. Only kinds that a token endpoint issues ask Bitbucket for it; a token
 * that the user made may still be invalid until `verify` asks.
 * @throws {TokenError} `credential-refused`, `scope-missing`, `access-denied`, `answer-unusable`, `unreachable`
 */
export const obtain = ({ kind, inputs }: GivenCredential, context: GrantContext): Promise<Credential> =>
  definitionOfKind(kind).obtain(inputs, context)
