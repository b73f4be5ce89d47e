import type { Credential, CredentialKind } from '../bitbucket/credential.ts'
import type { Http } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'

/** The inputs that make up a credential; undefined if not given. */
export interface CredentialInputs {
  readonly 'client-id': string | undefined
  readonly 'client-secret': Secret | undefined
  readonly 'refresh-token': Secret | undefined
  readonly email: string | undefined
  readonly 'api-token': Secret | undefined
  readonly 'access-token': Secret | undefined
  readonly 'connect-app-key': string | undefined
  readonly 'connect-client-key': string | undefined
  readonly 'connect-shared-secret': Secret | undefined
}

export type CredentialInput = keyof CredentialInputs

/** Inputs that are known to be given. */
export type Given<Name extends CredentialInput> = {
  readonly [Input in Name]: NonNullable<CredentialInputs[Input]>
}

/** What a kind of credential uses to obtain a token. */
export interface GrantContext {
  readonly http: Http
  /** `https://bitbucket.org`, or a server in its place. */
  readonly url: URL
  /** Scopes to ask for; empty for all. Only a Connect app can ask for fewer than it has. */
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  now(): number
  /** Masks a secret that was made here, before it is used. */
  hide(secret: Secret): void
  warn(text: string): void
}

/** Everything that is special about one kind of credential. A new kind is one such definition, in the list in index.ts. */
export interface KindDefinition<Name extends CredentialInput = CredentialInput> {
  readonly kind: CredentialKind
  /** The name of the kind in texts for people. */
  readonly label: string
  /** The inputs it needs, in the order in which messages name them. */
  readonly inputs: readonly Name[]
  /** Whether Bitbucket's token endpoint issues the token. If not, the user made it, and it may be invalid. */
  readonly isIssued: boolean
  /** Whether the request names the scopes of the token. The tokens of other kinds have all scopes of their client. */
  readonly asksForScopes?: true
  /** How to replace the stored token. Set for kinds whose token expires on a date that only its owner knows. */
  readonly renewal?: string
  /**
   * Returns a credential that can be used.
   * @throws {TokenError} `credential-refused`, `scope-missing`, `access-denied`, `answer-unusable`, `unreachable`
   */
  obtain(given: Given<Name>, context: GrantContext): Promise<Credential>
  /** Returns what to do if the credential lacks these scopes. */
  adviseOnMissingScopes(missing: readonly string[]): string
}
