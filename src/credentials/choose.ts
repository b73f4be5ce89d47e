import type { CredentialKind } from '../bitbucket/credential.ts'
import { TokenError } from '../errors.ts'
import type { Secret } from '../secret.ts'

/** The inputs from which a credential is made; what was not given is undefined. */
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

type Name = keyof CredentialInputs

/** How to speak of inputs to the person who gave them. */
export interface Giver {
  /** `action`: every value was written into this step; `variables`: some may be left from elsewhere. */
  readonly from: 'action' | 'variables'
  nameOf(input: Name | 'grant'): string
  /** What the host knows of secrets that arrive empty. */
  readonly whyEmpty: string
  /** Says what else is set that looks as if it was meant for an input. */
  misplaced?(): readonly string[]
}

/** What was given for one kind of credential, complete. */
export type GivenCredential =
  | { readonly kind: 'client-credentials'; readonly clientId: string; readonly clientSecret: Secret }
  | {
      readonly kind: 'refresh-token'
      readonly clientId: string
      readonly clientSecret: Secret
      readonly refreshToken: Secret
    }
  | { readonly kind: 'api-token'; readonly email: string; readonly apiToken: Secret }
  | { readonly kind: 'access-token'; readonly accessToken: Secret }
  | {
      readonly kind: 'jwt'
      readonly appKey: string
      readonly clientKey: string
      readonly sharedSecret: Secret
    }

export interface Choice {
  readonly credential: GivenCredential
  /** What a person should know of the choice, such as a credential that was found and not used. */
  readonly notice: string | undefined
}

/** The inputs each kind needs, in the order in which a person is told of them. */
export const needs = {
  'client-credentials': ['client-id', 'client-secret'],
  'refresh-token': ['client-id', 'client-secret', 'refresh-token'],
  'api-token': ['email', 'api-token'],
  'access-token': ['access-token'],
  jwt: ['connect-app-key', 'connect-client-key', 'connect-shared-secret'],
} as const satisfies Record<CredentialKind, readonly Name[]>

export const credentialKinds = Object.keys(needs) as CredentialKind[]

/**
 * Which credential is meant by what was given.
 *
 * `grant` decides where it is set. Otherwise the one kind that was given; any other wins over an access token
 * in a variable, which may be left from an earlier run of this program.
 * @throws {TokenError} `input` where nothing, half of a credential, or a mix was given.
 */
export function chooseCredential(
  inputs: CredentialInputs,
  grant: CredentialKind | 'auto',
  giver: Giver,
): Choice {
  const present = credentialInputs.filter((name) => inputs[name] !== undefined)
  const kind = grant === 'auto' ? infer(present, giver) : grant
  const credential = complete(kind, inputs)
  if (credential === undefined) {
    const missing = needs[kind].filter((name) => inputs[name] === undefined)
    throw new TokenError(
      'input',
      `Empty: ${named(missing, giver)}.`,
      [`The credential "${kind}" needs ${named(needs[kind], giver)}.`, ...whyMissing(giver)].join('\n'),
    )
  }
  const unused = present.filter((name) => !(needs[kind] as readonly string[]).includes(name))
  const notice =
    unused.length === 0
      ? undefined
      : `Found and not used: ${named(unused, giver)}${grant === 'auto' ? ' (perhaps left by an earlier run)' : ''}. This run uses ${named(needs[kind], giver)}.`
  return { credential, notice }
}

/** Why inputs may be missing, the likeliest reason first. */
const whyMissing = (giver: Giver): string[] => [...(giver.misplaced?.() ?? []), giver.whyEmpty]

/** All of them, in the order in which a person is told of them. */
export const credentialInputs: readonly Name[] = [...new Set(Object.values(needs).flat())]

function infer(present: readonly Name[], giver: Giver): CredentialKind {
  const isGiven = (name: Name) => present.includes(name)
  if (present.length === 0) {
    const ways = Object.values(needs).map((names) => `- ${named(names, giver)}`)
    throw new TokenError(
      'input',
      'No credential was given: every input for one is empty.',
      ['Give one of:', ...ways, ...whyMissing(giver)].join('\n'),
    )
  }
  // Both are made of the consumer's key and secret.
  const otherGrant = isGiven('refresh-token') ? 'client-credentials' : 'refresh-token'
  const [kind = 'access-token', ...more] = credentialKinds.filter(
    (name) => name !== 'access-token' && name !== otherGrant && needs[name].some(isGiven),
  )
  const isLeftover = giver.from === 'variables'
  const isMixed = kind !== 'access-token' && isGiven('access-token') && !isLeftover
  if (more.length > 0 || isMixed) {
    throw new TokenError(
      'input',
      `More than one kind of credential was given: ${named(present, giver)}.`,
      `Give one kind, or say which to use with ${giver.nameOf('grant')}.`,
    )
  }
  return kind
}

/** The credential of that kind, if all that it needs was given. */
function complete(kind: CredentialKind, inputs: CredentialInputs): GivenCredential | undefined {
  const clientId = inputs['client-id']
  const clientSecret = inputs['client-secret']
  const refreshToken = inputs['refresh-token']
  const { email, 'api-token': apiToken, 'access-token': accessToken } = inputs
  const appKey = inputs['connect-app-key']
  const clientKey = inputs['connect-client-key']
  const sharedSecret = inputs['connect-shared-secret']
  switch (kind) {
    case 'client-credentials':
      return clientId && clientSecret ? { kind, clientId, clientSecret } : undefined
    case 'refresh-token':
      return clientId && clientSecret && refreshToken
        ? { kind, clientId, clientSecret, refreshToken }
        : undefined
    case 'api-token':
      return email && apiToken ? { kind, email, apiToken } : undefined
    case 'access-token':
      return accessToken ? { kind, accessToken } : undefined
    case 'jwt':
      return appKey && clientKey && sharedSecret ? { kind, appKey, clientKey, sharedSecret } : undefined
  }
}

const named = (names: readonly Name[], giver: Giver): string =>
  names.map((name) => giver.nameOf(name)).join(', ')
