import { createHash } from 'node:crypto'
import type {
  ConnectAppCredentials,
  ConsumerCredentials,
  ConsumerOptions,
  Issuable,
  SandboxOptions,
} from './contract.ts'
import {
  randomAccessToken,
  randomApiToken,
  randomConnectApp,
  randomConsumer,
  randomOAuthToken,
} from './random-credentials.ts'

/** The only user of the sandbox. */
export const sandboxUser = { email: 'sandbox@example.com', username: 'sandbox-user' }

/** The only repository of the sandbox. */
export const repository = {
  workspace: 'sandbox',
  slug: 'hello',
  fullName: 'sandbox/hello',
  uuid: '{5a0d8a10-0000-4000-8000-000000000004}',
}

export interface Consumer extends ConsumerCredentials {
  public: boolean
  /** The registered callback URL. Undefined if there is none. */
  callback: string | undefined
  scopes: readonly string[]
}

export interface ConnectApp extends ConnectAppCredentials {
  scopes: readonly string[]
}

interface Expiring {
  value: string
  scopes: readonly string[]
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface OAuthToken extends Expiring {
  kind: 'oauth'
  actsAs: 'user' | 'app_user'
  /** Whether it was issued together with a refresh token. */
  renewable: boolean
}

interface AccessToken extends Expiring {
  kind: 'access-token'
  level: 'repository' | 'project' | 'workspace'
  repositories: readonly string[]
}

interface ApiToken extends Expiring {
  kind: 'api-token'
}

export type Token = OAuthToken | AccessToken | ApiToken

/** Whether a token acts as the user, and not as an app. */
export const actsAsUser = (token: Token): boolean =>
  token.kind === 'api-token' || (token.kind === 'oauth' && token.actsAs === 'user')

interface RefreshToken extends Expiring {
  clientId: string
  used: boolean
}

/** A consent of the user, which is kept until the consumer redeems its code. */
interface Consent {
  clientId: string
  scopes: readonly string[]
  /** As requested. The token request must repeat it. */
  redirectUri: string | undefined
  /** The S256 challenge of PKCE. */
  challenge: string | undefined
}

export interface Grant {
  accessToken: OAuthToken
  /** In seconds. */
  expiresIn: number
  refreshToken?: string
}

type AccountsSettings = { legacy: boolean } & Required<
  Pick<SandboxOptions, 'now' | 'accessTokenLifetime' | 'refreshTokenGrace' | 'scopes'>
>

/** In Bitbucket Cloud, a refresh token expires if it is not used for three months (announcement of May 2026). */
const unusedRefreshTokenLifetime = 90 * 24 * 60 * 60 * 1000

/** How long Bitbucket accepts a code is unknown. RFC 6749, 4.1.2, recommends at most ten minutes. */
const codeLifetime = 10 * 60 * 1000

/** In Bitbucket Cloud, an API token is valid for at most a year. Here, access tokens are too. */
const maxTokenLifetime = 365 * 24 * 60 * 60 * 1000

const defaultApiTokenScopes = [
  'read:user:bitbucket',
  'read:workspace:bitbucket',
  'read:repository:bitbucket',
  'write:repository:bitbucket',
]

/** Issues credentials, and knows which of them still work. */
export class Accounts {
  readonly legacy: boolean
  /** Returns the time on the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number
  readonly #settings: AccountsSettings
  readonly #consumers = new Map<string, Consumer>()
  readonly #apps = new Map<string, ConnectApp>()
  readonly #tokens = new Map<string, Token>()
  readonly #refreshTokens = new Map<string, RefreshToken>()
  readonly #codes = new Map<string, Consent & { expiresAt: number }>()
  readonly #revoked = new Set<string>()

  /** Functions that create the credentials of each kind. */
  readonly issue: {
    readonly [Kind in keyof Issuable]: (options?: Issuable[Kind]['options']) => Issuable[Kind]['result']
  } = {
    consumer: (options = {}) => {
      const credentials = randomConsumer(this.legacy)
      this.#consumers.set(credentials.clientId, {
        ...credentials,
        public: options.public ?? false,
        callback: callbackIn(options),
        scopes: options.scopes ?? this.#settings.scopes,
      })
      return credentials
    },
    'connect-app': ({ scopes = this.#settings.scopes } = {}) => {
      const credentials = randomConnectApp()
      this.#apps.set(credentials.clientKey, { ...credentials, scopes })
      return credentials
    },
    'refresh-token': ({ clientId, scopes } = {}) => {
      // The first consumer is the sandbox's own.
      const [first] = this.#consumers.keys()
      const consumer = this.#consumers.get(clientId ?? first ?? '')
      if (consumer === undefined) throw new Error('The sandbox has no consumer with this client id')
      return this.#addRefreshToken(consumer.clientId, scopes ?? consumer.scopes)
    },
    'oauth-token': ({ actsAs = 'app_user', scopes = this.#settings.scopes, expired } = {}) =>
      this.#addOAuthToken(scopes, actsAs, actsAs === 'user', expired).value,
    'access-token': (options = {}) =>
      this.#add({
        kind: 'access-token',
        value: randomAccessToken(),
        scopes: options.scopes ?? ['repository', 'repository:write', 'pullrequest'],
        level: options.level ?? 'repository',
        repositories: options.repositories ?? [repository.fullName],
        expiresAt: this.#expiry(maxTokenLifetime, options.expired),
      }).value,
    'api-token': ({ scopes = defaultApiTokenScopes, expired } = {}) =>
      this.#add({
        kind: 'api-token',
        value: randomApiToken(),
        scopes,
        expiresAt: this.#expiry(maxTokenLifetime, expired),
      }).value,
  }

  constructor(settings: AccountsSettings) {
    this.#settings = settings
    this.legacy = settings.legacy
    this.now = settings.now
  }

  /** Returns the consumer with this key and secret. */
  consumer(clientId: string, clientSecret: string): Consumer | undefined {
    const consumer = this.consumerWithId(clientId)
    return consumer?.clientSecret === clientSecret ? consumer : undefined
  }

  /** Returns the consumer for the consent page, where no secret is sent yet. */
  consumerWithId(clientId: string): Consumer | undefined {
    const consumer = this.#consumers.get(clientId)
    return this.#isRevoked(clientId, consumer?.clientSecret) ? undefined : consumer
  }

  /** Stores a consent under a code. */
  addCode(code: string, consent: Consent): void {
    this.#codes.set(code, { ...consent, expiresAt: this.#expiry(codeLifetime) })
  }

  /** Performs the authorization_code grant, once for each code. Returns undefined if anything does not match. */
  redeem(consumer: Consumer, form: URLSearchParams): Grant | undefined {
    const code = form.get('code') ?? ''
    const consent = this.#codes.get(code)
    if (consent === undefined || consent.clientId !== consumer.clientId) return undefined
    // The first try uses up the code, even if it fails.
    this.#codes.delete(code)
    const verifier = form.get('code_verifier') ?? undefined
    const challenge = verifier && createHash('sha256').update(verifier).digest('base64url')
    const matches =
      (form.get('redirect_uri') ?? undefined) === consent.redirectUri && challenge === consent.challenge
    if (!matches || this.now() >= consent.expiresAt) return undefined
    const { scopes } = consent
    return this.#grant(scopes, 'user', this.#addRefreshToken(consumer.clientId, scopes))
  }

  /** Returns the Connect app that was installed with this client key. */
  connectApp(clientKey: string): ConnectApp | undefined {
    const app = this.#apps.get(clientKey)
    return this.#isRevoked(clientKey, app?.sharedSecret) ? undefined : app
  }

  /**
   * Performs the implicit grant and the JWT grant. The token acts as the user who consented, or as the account in which the
   * app is installed. There is never a refresh token.
   */
  grantWithoutRefreshToken(scopes: readonly string[]): Grant {
    return this.#grant(scopes, 'user')
  }

  /** Performs the client_credentials grant. */
  grantToClient(consumer: Consumer): Grant {
    // Since 4 May 2026, the token acts as the app, without a refresh token. Before, it acted as the consumer's owner, with one.
    if (!this.legacy) return this.#grant(consumer.scopes, 'app_user')
    return this.#grant(consumer.scopes, 'user', this.#addRefreshToken(consumer.clientId, consumer.scopes))
  }

  /** Performs the refresh_token grant. Returns undefined if the token does not work for this consumer. */
  renew(consumer: Consumer, value: string): Grant | undefined {
    const token = this.#refreshTokens.get(value)
    if (token?.clientId !== consumer.clientId || !this.#works(token)) return undefined
    if (this.legacy) return this.#grant(token.scopes, 'user', value)
    if (!token.used) {
      token.used = true
      token.expiresAt = this.now() + this.#settings.refreshTokenGrace * 1000
    }
    return this.#grant(token.scopes, 'user', this.#addRefreshToken(consumer.clientId, token.scopes))
  }

  /** Returns the token if it works, or else why it does not. */
  token(value: string): Token | 'unknown' | 'expired' | 'expired-renewable' {
    const token = this.#tokens.get(value)
    if (token === undefined || this.#revoked.has(value)) return 'unknown'
    // Bitbucket reports expiry only for OAuth tokens. Other kinds get the general message.
    if (this.#works(token)) return token
    if (token.kind !== 'oauth') return 'unknown'
    return token.renewable ? 'expired-renewable' : 'expired'
  }

  revoke(credential: string): void {
    const issued =
      this.#tokens.has(credential) ||
      this.#refreshTokens.has(credential) ||
      [...this.#consumers.values()].some((c) => c.clientId === credential || c.clientSecret === credential) ||
      [...this.#apps.values()].some((a) => a.clientKey === credential || a.sharedSecret === credential)
    if (!issued) throw new Error('The sandbox issued no such credential')
    this.#revoked.add(credential)
  }

  isLive(value: string): boolean {
    const token = this.#tokens.get(value) ?? this.#refreshTokens.get(value)
    return token !== undefined && this.#works(token)
  }

  #grant(scopes: readonly string[], actsAs: OAuthToken['actsAs'], refreshToken?: string): Grant {
    return {
      accessToken: this.#addOAuthToken(scopes, actsAs, refreshToken !== undefined),
      expiresIn: this.#settings.accessTokenLifetime,
      ...(refreshToken !== undefined && { refreshToken }),
    }
  }

  #addOAuthToken(
    scopes: readonly string[],
    actsAs: OAuthToken['actsAs'],
    renewable: boolean,
    expired = false,
  ): OAuthToken {
    return this.#add({
      kind: 'oauth',
      value: randomOAuthToken(this.legacy),
      scopes,
      actsAs,
      renewable,
      expiresAt: this.#expiry(this.#settings.accessTokenLifetime * 1000, expired),
    })
  }

  #addRefreshToken(clientId: string, scopes: readonly string[]): string {
    const value = randomOAuthToken(this.legacy)
    const expiresAt = this.#expiry(unusedRefreshTokenLifetime)
    this.#refreshTokens.set(value, { value, scopes, clientId, used: false, expiresAt })
    return value
  }

  #add<T extends Token>(token: T): T {
    this.#tokens.set(token.value, token)
    return token
  }

  #expiry(lifetime: number, expired = false): number {
    return expired ? Number.NEGATIVE_INFINITY : this.now() + lifetime
  }

  #works(token: Expiring): boolean {
    return !this.#revoked.has(token.value) && this.now() < token.expiresAt
  }

  #isRevoked(id: string, secret = ''): boolean {
    return this.#revoked.has(id) || this.#revoked.has(secret)
  }
}

/** The callback URL of Atlassian's sample application, and the default of `bitbucket-token authorize`. */
const defaultCallback = 'http://localhost:3000/oauth-callback'

function callbackIn({ callback = true }: ConsumerOptions): string | undefined {
  if (typeof callback === 'string') return callback
  return callback ? defaultCallback : undefined
}
