import type { CredentialKind } from '../bitbucket/credential.ts'
import type { BitbucketToken } from './bitbucket-token.ts'
import type { LogOptions } from './log.ts'
import type { ResponseHooks, SendRequest } from './request.ts'
import type { StoredConfig, TokenStorage } from './storage.ts'

/**
 * The credential, from which the kind is inferred: `clientId` and `clientSecret` (with or without `refreshToken`), or
 * `email` and `apiToken`, or `accessToken`, or the three `connect…`. What is left out is looked for in `env`, as far as it
 * goes with what is given.
 */
export interface CredentialOptions {
  /** The OAuth consumer's key. Else `BITBUCKET_CLIENT_ID`, else `bitbucketKey` in the environment. */
  readonly clientId?: string | undefined
  /** The OAuth consumer's secret. Else `BITBUCKET_CLIENT_SECRET`, else `bitbucketSecret` in the environment. */
  readonly clientSecret?: string | undefined
  /** What bitbucket-auth called {@link clientId}. */
  readonly consumerKey?: string | undefined
  /** What bitbucket-auth called {@link clientSecret}. */
  readonly consumerSecret?: string | undefined
  /**
   * Gives the consumer's key as `username` and its secret as `password`, when they are needed: from a vault, say. A
   * person's name and password will not do, for Bitbucket has no password grant (RFC 6749, 4.3).
   */
  readonly credentialsProvider?: (() => ProvidedCredentials | Promise<ProvidedCredentials>) | undefined
  /** A refresh token of the consumer: the token then acts as a person. Else `BITBUCKET_REFRESH_TOKEN`. */
  readonly refreshToken?: string | undefined
  /** The e-mail address of the API token's Atlassian account. Else `BITBUCKET_EMAIL`. */
  readonly email?: string | undefined
  /** An Atlassian API token with Bitbucket scopes. Else `BITBUCKET_API_TOKEN`. */
  readonly apiToken?: string | undefined
  /** A repository, project or workspace access token. Else `BITBUCKET_ACCESS_TOKEN`. */
  readonly accessToken?: string | undefined
  /** An installed Connect app's key. Else `BITBUCKET_CONNECT_APP_KEY`. Connect ends in December 2026. */
  readonly connectAppKey?: string | undefined
  /** The `clientKey` that came with its installation. Else `BITBUCKET_CONNECT_CLIENT_KEY`. */
  readonly connectClientKey?: string | undefined
  /** The `sharedSecret` that came with its installation. Else `BITBUCKET_CONNECT_SHARED_SECRET`. */
  readonly connectSharedSecret?: string | undefined
  /** Which kind is meant, where more than one is given. Default `auto`. */
  readonly grant?: CredentialKind | 'auto' | undefined
}

/** What `credentialsProvider` gives, under the names of bitbucket-auth. */
export interface ProvidedCredentials {
  /** The OAuth consumer's key. */
  readonly username: string
  /** The OAuth consumer's secret. */
  readonly password: string
}

/** What `getAccessToken` takes. Every field has a default; with none, all comes from the environment. */
export interface TokenOptions extends CredentialOptions, LogOptions {
  /** Where variables are looked for. Default `process.env`; `{}` looks nowhere. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Where Bitbucket serves OAuth. Else `BITBUCKET_URL`, else `https://bitbucket.org`. https, except on loopback. */
  readonly url?: string | URL | undefined
  /** Where Bitbucket serves REST. Else `BITBUCKET_API_URL`, else `https://api.bitbucket.org`. */
  readonly apiUrl?: string | URL | undefined

  /** Names this program's tokens in its storage, so that programs can share one. */
  readonly appName?: string | undefined
  /** Keeps tokens between runs, such as `createFileStorage()`. Tokens that Bitbucket rotates need one. */
  readonly storage?: TokenStorage | undefined
  /** In place of that of `storage`: reads the config that `saveConfig` was given last. */
  readonly loadConfig?: TokenStorage['loadConfig'] | undefined
  /** In place of that of `storage`: keeps the config. Neither of the two functions may stand alone. */
  readonly saveConfig?: TokenStorage['saveConfig'] | undefined
  /**
   * Whether to use the refresh token that is in the config, or else to ask with key and secret alone. Default: yes,
   * unless {@link forceCredentials}.
   */
  readonly useRefreshToken?: ((config: StoredConfig) => boolean | Promise<boolean>) | undefined
  /** Asks with key and secret alone, and neither reuses an access token nor spends a refresh token. Default false. */
  readonly forceCredentials?: boolean | undefined
  /** An access token that Bitbucket has answered with 401: it is never handed out again. */
  readonly refused?: string | undefined

  /** Milliseconds for everything together: requests, retries, and waiting for other processes. Default 60 000. */
  readonly timeout?: number | undefined
  /** Further tries after the first, where a try can help. Default 4. */
  readonly retries?: number | undefined
  /** Ends the call with the signal's reason. What other callers wait for goes on. */
  readonly signal?: AbortSignal | undefined

  /** Sends each request in place of our own HTTP client; `({ url, ...init }) => fetch(url, init)` is one. */
  readonly sendRequest?: SendRequest | undefined
  /** What counts as success. Default: status 200. */
  readonly isSuccess?: ResponseHooks['isSuccess']
  /** What counts as a refusal of the credential. Default: status 401. */
  readonly isUnauthorized?: ResponseHooks['isUnauthorized']
  /**
   * Called with each token that was asked of Bitbucket for this call, before it is handed out. What it throws is logged,
   * and loses no token; what must keep tokens is a {@link storage}.
   */
  readonly handleSuccess?: ((event: SuccessEvent) => void | Promise<void>) | undefined
  /** Called with the error, before the call rejects with it. What it throws is thrown instead. */
  readonly handleError?: ((event: ErrorEvent) => void | Promise<void>) | undefined
}

/** What `handleSuccess` gets: a token that Bitbucket has just issued. */
export interface SuccessEvent {
  readonly token: BitbucketToken
  readonly appName: string | undefined
}

/** What `handleError` gets. */
export interface ErrorEvent {
  /** A `TokenError`, unless something unexpected failed. */
  readonly error: Error
  readonly appName: string | undefined
  /** As in bitbucket-auth: makes the call reject with this reason. Without a call of it, it rejects with `error`. */
  reject(reason?: unknown): void
}
