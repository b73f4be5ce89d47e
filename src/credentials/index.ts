import type { Credential } from '../bitbucket/credential.ts'
import { TokenError } from '../errors.ts'
import { readValue } from '../read-value.ts'
import { Secret } from '../secret.ts'
import { accessToken } from './access-token.ts'
import { apiToken } from './api-token.ts'
import { clientCredentials } from './client-credentials.ts'
import { connectApp } from './connect-app.ts'
import type { GrantContext, KindDefinition, KindInput, ValueOf } from './kind.ts'
import { refreshToken } from './refresh-token.ts'
import { foreignFormats, wrongInputHint } from './token-formats.ts'

/**
 * The kinds of credential, in the order in which messages and tables name them. If several kinds have all inputs that are set,
 * the first is used.
 */
const definitions = [clientCredentials, refreshToken, apiToken, accessToken, connectApp] as const

type Definition = (typeof definitions)[number]
/** `'a' | 'b'` for a union of tables `{ a: … } | { b: … }`. */
type KeysOf<Table> = Table extends unknown ? keyof Table : never
/** The type of the row `a` in a union of tables, of which only some have that row. */
type RowOf<Table, Name extends PropertyKey> = Table extends { readonly [Key in Name]: infer Row }
  ? Row
  : never

/** The name of a kind of credential. `jwt` is the grant for Connect apps. */
export type CredentialKind = Definition['kind']

/** The name of an input that is part of a credential. */
export type CredentialInput = KeysOf<Definition['inputs']>

/** The inputs that make up a credential; undefined if not set. */
export type CredentialInputs = {
  readonly [Name in CredentialInput]: ValueOf<RowOf<Definition['inputs'], Name>> | undefined
}

// A cast, because each kind has its own types of inputs, and the code that uses this list must work with every kind.
export const kinds = definitions as readonly unknown[] as readonly KindDefinition<CredentialKind>[]
export const credentialKinds: readonly CredentialKind[] = kinds.map(({ kind }) => kind)

export function definitionOfKind(kind: string): KindDefinition<CredentialKind> {
  const definition = kinds.find((one) => one.kind === kind)
  if (definition === undefined) throw new Error(`there is no kind of credential ${kind}`)
  return definition
}

/** All inputs that make up credentials, in the order in which messages and tables name them. */
export const credentialInputTable = Object.assign({}, ...kinds.map(({ inputs }) => inputs)) as Readonly<
  Record<CredentialInput, KindInput>
>
export const credentialInputs = Object.keys(credentialInputTable) as CredentialInput[]

/** Returns the names of the inputs that a kind needs. */
export const inputsOfKind = (kind: CredentialKind) =>
  Object.keys(definitionOfKind(kind).inputs) as CredentialInput[]

/** The tokens that `expires-on` is for: `API token or access token`. */
export const datedTokens = kinds
  .filter(({ howToReplace }) => howToReplace !== undefined)
  .map(({ label }) => label)
  .join(' or ')

/** Whether a kind uses up a refresh token, which Bitbucket then replaces with a new one. */
export const spendsRefreshToken = (kind: string): boolean => 'refresh-token' in definitionOfKind(kind).inputs

/**
 * Reads all inputs that a credential can have.
 * @param rawValue returns the value of an input
 * @param names how to name an input to the user
 * @throws {TokenError} `input` if one is wrong. The message names the input and never shows its value.
 */
export function readCredentialInputs(
  rawValue: (name: CredentialInput) => string | undefined,
  names: { nameOf(input: CredentialInput): string },
): CredentialInputs {
  const read = (name: CredentialInput): string | Secret | undefined => {
    const { secret = false, inHeader = false } = credentialInputTable[name]
    const value = readValue(rawValue(name), names.nameOf(name), { secret, inHeader })
    return secret && value !== undefined ? new Secret(value) : value
  }
  const inputs = Object.fromEntries(
    credentialInputs.map((name) => [name, read(name)]),
  ) as unknown as CredentialInputs
  for (const kind of kinds) kind.checkInputs?.(inputs as never, names)
  return inputs
}

/** Returns the pairs of a user name and a secret in the inputs that HTTP Basic carries together. */
export function basicPairsIn(inputs: CredentialInputs): { user: string; secret: Secret }[] {
  const value = (name: string) => inputs[name as CredentialInput]
  return kinds.flatMap(({ basic }) => {
    if (basic === undefined) return []
    const [user, secret] = [value(basic.user), value(basic.password)]
    return typeof user === 'string' && secret instanceof Secret ? [{ user, secret }] : []
  })
}

/** The kind of credential that the inputs mean, and all inputs that this kind needs. {@link obtain} makes a {@link Credential} of it. */
export interface ChosenCredential {
  readonly kind: CredentialKind
  readonly inputs: CredentialInputs
}

/**
 * Returns the credential. Only a kind whose token Bitbucket issues sends a request here. A token that the user made is returned
 * as it is, and may be invalid.
 * @throws {TokenError} `credential-refused`, `scope-missing`, `access-denied`, `answer-unusable`, `unreachable`
 */
export function obtain({ kind, inputs }: ChosenCredential, context: GrantContext): Promise<Credential> {
  const used = Object.fromEntries(inputsOfKind(kind).map((name) => [name, inputs[name]]))
  return withWrongInputHint(used, () => definitionOfKind(kind).obtain(used as never, context))
}

const formats = [...kinds.flatMap((kind) => kind.formats ?? []), ...foreignFormats]

/** If Bitbucket refuses the credential, adds to the error which input seems to hold a value of another kind. */
export async function withWrongInputHint<T>(
  inputs: Readonly<Record<string, unknown>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TokenError) || error.code !== 'credential-refused') throw error
    const [hint] = Object.entries(inputs).flatMap(([name, value]) =>
      value instanceof Secret ? (wrongInputHint(value, name, formats) ?? []) : [],
    )
    throw hint === undefined
      ? error
      : new TokenError(error.code, `${error.message} ${hint}`, error.nextStep, error.cause)
  }
}
