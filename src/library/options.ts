import type { CredentialKind } from '../credentials/index.ts'
import type { StoredConfig } from '../stores/stored-config.ts'
import type { BitbucketToken } from './bitbucket-token.ts'
import type { LogOptions } from './log.ts'
import type { ResponseHooks, SendRequest } from './request.ts'
import type { TokenStorage } from './storage.ts'

/**
 * The credential. Its kind follows from what you give: `clientId` and `clientSecret` (with or without `refreshToken`), or
 * `email` and `apiToken`, or `accessToken`, or all three `connect…` options. The environment (`env`) completes the
 * credential that the options begin, and is the only source if no option is given.
 */
export interface CredentialOptions {
  /** The OAuth client's ID (key). Default: `BITBUCKET_CLIENT_ID`, then `bitbucketKey` in the environment. */
  readonly clientId?: string | undefined
  /** The OAuth client's secret. Default: `BITBUCKET_CLIENT_SECRET`, then `bitbucketSecret` in the environment. */
  readonly clientSecret?: string | undefined
  /** The name of {@link clientId} in bitbucket-auth. */
  readonly consumerKey?: string | undefined
  /** The name of {@link clientSecret} in bitbucket-auth. */
  readonly consumerSecret?: string | undefined
  /**
   * Returns the client's ID as `username` and its secret as `password`, for example from a vault. A person's name and
   * password do not work, because Bitbucket has no password grant (RFC 6749, 4.3).
   */
  readonly credentialsProvider?: (() => ProvidedCredentials | Promise<ProvidedCredentials>) | undefined
  /** A refresh token of the OAuth client. The token then acts as a person. Default: `BITBUCKET_REFRESH_TOKEN`. */
  readonly refreshToken?: string | undefined
  /** The email address of the API token's Atlassian account. Default: `BITBUCKET_EMAIL`. */
  readonly email?: string | undefined
  /** An Atlassian API token with Bitbucket scopes. Default: `BITBUCKET_API_TOKEN`. */
  readonly apiToken?: string | undefined
  /** A repository, project or workspace access token. Default: `BITBUCKET_ACCESS_TOKEN`. */
  readonly accessToken?: string | undefined
  /** The key of an installed Connect app. Default: `BITBUCKET_CONNECT_APP_KEY`. Support of Connect ends in December 2026. */
  readonly connectAppKey?: string | undefined
  /** The `clientKey` of that app's installation. Default: `BITBUCKET_CONNECT_CLIENT_KEY`. */
  readonly connectClientKey?: string | undefined
  /** The `sharedSecret` of that app's installation. Default: `BITBUCKET_CONNECT_SHARED_SECRET`. */
  readonly connectSharedSecret?: string | undefined
  /** Which kind of credential to use if more than one is given. Default: `auto`. */
  readonly grant?: CredentialKind | 'auto' | undefined
}

/** What `credentialsProvider` returns. The names are those of bitbucket-auth. */
export interface ProvidedCredentials {
  /** The OAuth client's ID (key). */
  readonly username: string
  /** The OAuth client's secret. */
  readonly password: string
}

/** The options of `getAccessToken`. All are optional. Without options, the credential comes from the environment. */
export interface TokenOptions extends CredentialOptions, LogOptions {
  /** The environment variables to read. Default: `process.env`. `{}` means none. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * The address where Bitbucket serves OAuth. It must be https, except on loopback. Default: `BITBUCKET_URL`, then
   * `https://bitbucket.org`.
   */
  readonly url?: string | URL | undefined
  /** The address where Bitbucket serves REST. Default: `BITBUCKET_API_URL`, then `https://api.bitbucket.org`. */
  readonly apiUrl?: string | URL | undefined

  /** The name of this program's tokens in the storage. With different names, programs can share one storage. */
  readonly appName?: string | undefined
  /** Stores tokens between runs, such as `createFileStorage()`. Refresh tokens need one, because Bitbucket replaces them. */
  readonly storage?: TokenStorage | undefined
  /** Loads the config that `saveConfig` got last. Replaces the function of `storage`. */
  readonly loadConfig?: TokenStorage['loadConfig'] | undefined
  /** Saves the config. Replaces the function of `storage`. Without a `storage`, give both functions. */
  readonly saveConfig?: TokenStorage['saveConfig'] | undefined
  /**
   * Whether to share the token with other processes of this user: with programs that set this option too, and with
   * `git-credential` and `print --reuse` of the command line. Inside `exec` the token comes from there. Not together with a
   * {@link storage}. Default: `false`.
   */
  readonly shareCache?: boolean | undefined
  /**
   * Decides whether to use the refresh token in the config (`true`), or the key and secret alone (`false`). Default: `true`,
   * unless {@link forceCredentials} is set.
   */
  readonly useRefreshToken?: ((config: StoredConfig) => boolean | Promise<boolean>) | undefined
  /**
   * Uses the key and secret alone. It neither reuses an access token, not even a shared one, nor spends a refresh token.
   * Default: `false`.
   */
  readonly forceCredentials?: boolean | undefined
  /** An access token that Bitbucket has refused with 401. The call never returns it. */
  readonly refused?: string | undefined

  /** Overall time limit in milliseconds, including retries and waiting for other processes. Default: 60 000. */
  readonly timeout?: number | undefined
  /** How many times to retry a failed request, if a retry can help. Default: 4. */
  readonly retries?: number | undefined
  /**
   * Aborts the call, which then rejects with the signal's reason. Other callers that share its request still get their
   * token.
   */
  readonly signal?: AbortSignal | undefined

  /** Sends each request instead of the built-in HTTP client, such as `({ url, ...init }) => fetch(url, init)`. */
  readonly sendRequest?: SendRequest | undefined
  /** Whether a response is a success. Default: status 200. */
  readonly isSuccess?: ResponseHooks['isSuccess']
  /** Whether a response refuses the credential. Default: status 401. */
  readonly isUnauthorized?: ResponseHooks['isUnauthorized']
  /**
   * Is called with each token that Bitbucket issues for this call, before the call resolves. Errors that it throws are
   * logged, and the token is still returned. To store tokens, use a {@link storage} instead.
   */
  readonly handleSuccess?: ((event: SuccessEvent) => void | Promise<void>) | undefined
  /** Is called with the error before the call rejects. If it throws, the call rejects with what it throws. */
  readonly handleError?: ((event: ErrorEvent) => void | Promise<void>) | undefined
}

/** What `handleSuccess` gets. */
export interface SuccessEvent {
  /** The token that Bitbucket has just issued. */
  readonly token: BitbucketToken
  readonly appName: string | undefined
}

/** What `handleError` gets. */
export interface ErrorEvent {
  /** A `TokenError`, unless something unexpected failed. */
  readonly error: Error
  readonly appName: string | undefined
  /** Makes the call reject with another reason, as in bitbucket-auth. If you do not call it, the reason is `error`. */
  reject(reason?: unknown): void
}
