import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** How a sandbox differs from the usual Bitbucket of 2026. Every field has a default. */
export interface SandboxOptions {
  /**
   * The port on 127.0.0.1 that plays bitbucket.org. api.bitbucket.org gets the next port. Default 0: any two free ports.
   * The media host of Git LFS gets any free port at the first request for LFS.
   */
  port?: number
  /** The sandbox's clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: () => number
  /** How long an OAuth access token is valid, in seconds. Default 7200 (Bitbucket Cloud: "Access tokens expire in two hours"). */
  accessTokenLifetime?: number
  /**
   * How long a refresh token still works after its first use, in seconds. Default 600 (ten minutes, according to
   * git-credential-manager issue 2428, which Atlassian wrote in August 2026).
   */
  refreshTokenGrace?: number
  /**
   * Which token endpoint to play. `2026` (default): `scope`, no refresh token for client_credentials, tokens of more than
   * 2,500 characters, refresh tokens that rotate. `legacy`: `scopes` and `state`, a refresh token with every grant
   * that never rotates, tokens of about 85 characters. Source: OAuth changes announcement, in force since 4 May 2026.
   */
  answers?: '2026' | 'legacy'
  /** The scopes that the OAuth client grants. Default `account repository repository:write pullrequest`. */
  scopes?: string[]
  /**
   * Answers 429 to every request after the first `requests` within any `perSeconds` seconds. `retryAfter` (seconds, or an
   * HTTP date) is sent unchanged. Without it there is no such header, because Bitbucket documents none.
   * Scripted answers do not count.
   */
  rateLimit?: { requests: number; perSeconds: number; retryAfter?: number | string }
}

/** A request as it arrived. One list has the requests to all hosts in the order of arrival; `headers.host` says which host. */
export interface RecordedRequest {
  readonly method: string
  /** With the query string. */
  readonly path: string
  /** Names are in lower case, as in Node. */
  readonly headers: IncomingHttpHeaders
  /** Empty for git's packs and the files of Git LFS, which are streamed and not kept. */
  readonly body: string
  /** Status of the answer. 0 until there is one, and it stays 0 if the connection ended without one. */
  readonly status: number
}

interface ForPath {
  /** Use the answer only for a request whose path starts with this. Other requests leave it in the queue. */
  path?: string
}

/** A fixed answer. An object as body is sent as JSON, a string as text/plain unless `headers` says otherwise. */
export interface ScriptedReply extends ForPath {
  status: number
  headers?: Record<string, string>
  body?: string | object
}

/**
 * Does the work (a token is issued, a refresh token is used), but closes the connection before the answer.
 * For git, only the connection is closed.
 */
export interface LostAnswer extends ForPath {
  lost: true
}

/**
 * Answers in any other way, for example with an incomplete body, silence or a reset. The request's body has already been
 * read (see `requests`), except for git and the media host. `answer()` sends the real answer.
 */
export type ScriptedHandler = (req: IncomingMessage, res: ServerResponse, answer: () => void) => void

export type ScriptedAnswer = ScriptedReply | LostAnswer | ScriptedHandler

export interface ConsumerOptions {
  /** Whether the consumer is not marked as private. client_credentials is then refused. Default false. */
  public?: boolean
  /**
   * The registered callback URL, or whether there is one. Without one, every grant is refused. Default true, which means
   * `http://localhost:3000/oauth-callback`.
   */
  callback?: boolean | string
  /** Default: the sandbox's `scopes`. */
  scopes?: string[]
}

export interface ConsumerCredentials {
  clientId: string
  clientSecret: string
}

export interface ConnectAppOptions {
  /** The scopes in its descriptor. Default: the sandbox's `scopes`. */
  scopes?: string[]
}

/** An installed Connect app. `appKey` is the `key` of its descriptor. The other two come with the `installed` callback. */
export interface ConnectAppCredentials {
  appKey: string
  clientKey: string
  sharedSecret: string
}

export interface RefreshTokenOptions {
  /** The consumer to which it belongs. Default: the sandbox's own. */
  clientId?: string
  /** Default: the consumer's. */
  scopes?: string[]
}

export interface OAuthTokenOptions {
  /** Default: the sandbox's `scopes`. */
  scopes?: string[]
  /** Who it acts as: the user who consented, or the app (client_credentials since May 2026). Default `app_user`. */
  actsAs?: 'user' | 'app_user'
  expired?: boolean
}

export interface AccessTokenOptions {
  /** Default `repository repository:write pullrequest`. */
  scopes?: string[]
  /** Where it was created. Default `repository`. */
  level?: 'repository' | 'project' | 'workspace'
  /** Full names (`workspace/slug`) of the repositories to which it has access. Default: all. */
  repositories?: string[]
  expired?: boolean
}

export interface ApiTokenOptions {
  /**
   * `…:bitbucket` names. Default: read the user and the workspace, read and write repositories. A token without scopes is
   * refused everywhere.
   */
  scopes?: string[]
  expired?: boolean
}

/** The kinds of credential that `issue` creates, with the options and the result of each. */
export interface Issuable {
  consumer: { options: ConsumerOptions; result: ConsumerCredentials }
  'connect-app': { options: ConnectAppOptions; result: ConnectAppCredentials }
  'refresh-token': { options: RefreshTokenOptions; result: string }
  'oauth-token': { options: OAuthTokenOptions; result: string }
  'access-token': { options: AccessTokenOptions; result: string }
  'api-token': { options: ApiTokenOptions; result: string }
}

/** The credentials of a new sandbox. All of them work. */
export interface SandboxCredentials extends ConsumerCredentials {
  refreshToken: string
  /** The account's email, which is the user name for an API token on REST. */
  email: string
  /** The account's name, which is the user name for an API token in git. */
  username: string
  apiToken: string
  /** A repository access token. */
  accessToken: string
  connectApp: ConnectAppCredentials
}

/** A variable of Pipelines, with the value that a step gets. REST never returns the value of a secured variable. */
export interface PipelinesVariable {
  readonly uuid: string
  readonly key: string
  readonly value: string
  readonly secured: boolean
}

/** Where variables of Pipelines are defined. `deployment/<name>` is an environment of the repository. */
export type VariableScope = 'repository' | 'workspace' | `deployment/${string}`

/** A running sandbox. */
export interface Sandbox {
  /** Plays https://bitbucket.org: the token endpoint, the consent page, git and Git LFS. Without a slash at the end. */
  url: string
  /** Plays https://api.bitbucket.org: REST. It has another port, because the real one is another host. */
  apiUrl: string
  credentials: SandboxCredentials
  /** `workspace/slug` of a private repository that each of `credentials` can read and write. */
  repository: string
  /** Every request so far. */
  requests: RecordedRequest[]
  /** Queues answers that are sent, in order, instead of the real ones. */
  script(...answers: ScriptedAnswer[]): void
  /** Creates another credential. */
  issue<Kind extends keyof Issuable>(
    kind: Kind,
    options?: Issuable[Kind]['options'],
  ): Issuable[Kind]['result']
  /**
   * Revokes a credential, so that it is refused from now on. Revoke a consumer by its id or secret, and a Connect app by its
   * client key or shared secret.
   *
   * @throws Error if the sandbox never issued it, because a test that revokes nothing would otherwise go unnoticed.
   */
  revoke(credential: string): void
  /** Whether an access token, API token or refresh token works now. */
  isLive(token: string): boolean
  /**
   * Returns the variables of Pipelines in one scope. The first call for a deployment environment creates the environment,
   * and from then on its variables can be read and written.
   */
  variables(scope?: VariableScope): readonly PipelinesVariable[]
  /** Returns the environment variables that make bitbucket-token, or a shell script, use the sandbox. */
  environment(): Record<string, string>
  /** Closes all connections, ends all git processes and deletes the repositories. Can be called again. */
  close(): Promise<void>
}
