import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** How a sandbox differs from the ordinary Bitbucket of 2026. Every field has a default. */
export interface SandboxOptions {
  /**
   * Port that plays bitbucket.org on 127.0.0.1; api.bitbucket.org gets the next one. Default 0: any two free ones.
   * The media host of Git LFS gets any free one, when something first asks for LFS.
   */
  port?: number
  /** The sandbox's clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: () => number
  /** Life of an OAuth access token, in seconds. Default 7200 (Bitbucket Cloud: "Access tokens expire in two hours"). */
  accessTokenLifetime?: number
  /**
   * How long a refresh token still works after its first use, in seconds. Default 600 (ten minutes:
   * git-credential-manager issue 2428, written at Atlassian, August 2026).
   */
  refreshTokenGrace?: number
  /**
   * Which token endpoint is played. `2026` (default): `scope`, no refresh token for client_credentials, tokens over
   * 2,500 characters, refresh tokens that rotate. `legacy`: `scopes` and `state`, a refresh token with every grant
   * that never rotates, tokens of about 85 characters. Source: OAuth changes announcement, in force since 4 May 2026.
   */
  answers?: '2026' | 'legacy'
  /** What the OAuth consumer grants. Default `account repository repository:write pullrequest`. */
  scopes?: string[]
  /**
   * Answer 429 to every request past `requests` within any `perSeconds` seconds. `retryAfter` (seconds, or an HTTP
   * date) is sent as it is; without it there is no such header, as Bitbucket documents none.
   * Scripted answers do not count.
   */
  rateLimit?: { requests: number; perSeconds: number; retryAfter?: number | string }
}

/** A request as it arrived. Requests to all hosts are in one list, in the order they came; `headers.host` tells which. */
export interface RecordedRequest {
  readonly method: string
  /** With the query string. */
  readonly path: string
  /** Names in lower case, as node gives them. */
  readonly headers: IncomingHttpHeaders
  /** Empty for git's packs and the files of Git LFS, which are streamed and never held. */
  readonly body: string
  /** Status of the answer; 0 while there is none, and for ever when the connection died without one. */
  readonly status: number
}

/** A ready answer. An object as body is sent as JSON; a string as text/plain unless `headers` says otherwise. */
export interface ScriptedReply {
  status: number
  headers?: Record<string, string>
  body?: string | object
  /** Only for a request whose path starts so; others pass it by. */
  path?: string
}

/**
 * The work is really done (a token is issued, a refresh token is spent), but the connection dies before the answer.
 * To git the connection just dies.
 */
export interface LostAnswer {
  lost: true
  /** Only for a request whose path starts so; others pass it by. */
  path?: string
}

/**
 * For anything worse: a body cut short, a silence, a reset. The request's body has been read by then (see `requests`),
 * except for git and the media host. `answer()` gives the real answer after all.
 */
export type ScriptedHandler = (req: IncomingMessage, res: ServerResponse, answer: () => void) => void

export type ScriptedAnswer = ScriptedReply | LostAnswer | ScriptedHandler

export interface ConsumerOptions {
  /** Not marked as private, so client_credentials is refused. Default false. */
  public?: boolean
  /**
   * The callback URL that is registered, or whether one is; without one every grant is refused. Default true, which is
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
  /** What its descriptor lists. Default: the sandbox's `scopes`. */
  scopes?: string[]
}

/** An installed Connect app, by what its descriptor (`key`) and the `installed` callback (the other two) say. */
export interface ConnectAppCredentials {
  appKey: string
  clientKey: string
  sharedSecret: string
}

export interface RefreshTokenOptions {
  /** The consumer it belongs to. Default: the sandbox's own. */
  clientId?: string
  /** Default: the consumer's. */
  scopes?: string[]
}

export interface OAuthTokenOptions {
  /** Default: the sandbox's `scopes`. */
  scopes?: string[]
  /** Whom it acts for: the person who consented, or (client_credentials since May 2026) the app. Default `app_user`. */
  actsAs?: 'user' | 'app_user'
  expired?: boolean
}

export interface AccessTokenOptions {
  /** Default `repository repository:write pullrequest`. */
  scopes?: string[]
  /** Where it was created. Default `repository`. */
  level?: 'repository' | 'project' | 'workspace'
  /** Full names (`workspace/slug`) it reaches. Default: all. */
  repositories?: string[]
  expired?: boolean
}

export interface ApiTokenOptions {
  /** `…:bitbucket` names. Default: read the user and the workspace, read and write repositories. None: refused everywhere. */
  scopes?: string[]
  expired?: boolean
}

/** The kinds of credential that `issue` makes, with the options and the result of each. */
export interface Issuable {
  consumer: { options: ConsumerOptions; result: ConsumerCredentials }
  'connect-app': { options: ConnectAppOptions; result: ConnectAppCredentials }
  'refresh-token': { options: RefreshTokenOptions; result: string }
  'oauth-token': { options: OAuthTokenOptions; result: string }
  'access-token': { options: AccessTokenOptions; result: string }
  'api-token': { options: ApiTokenOptions; result: string }
}

/** Credentials that all work from the start. */
export interface SandboxCredentials extends ConsumerCredentials {
  refreshToken: string
  /** The account's e-mail: the user of an API token on REST. */
  email: string
  /** The account's name: the user of an API token in git. */
  username: string
  apiToken: string
  /** A repository access token. */
  accessToken: string
  connectApp: ConnectAppCredentials
}

/** A variable of Pipelines. REST never tells the value of a secured one; this is what a step gets. */
export interface PipelinesVariable {
  readonly uuid: string
  readonly key: string
  readonly value: string
  readonly secured: boolean
}

/** Where variables of Pipelines are defined; `deployment/<name>` is an environment of the repository. */
export type VariableScope = 'repository' | 'workspace' | `deployment/${string}`

/** A running sandbox. */
export interface Sandbox {
  /** Plays https://bitbucket.org: the token endpoint, the page that asks for consent, git and Git LFS. No slash at the end. */
  url: string
  /** Plays https://api.bitbucket.org: REST. Another port, as the real one is another host. */
  apiUrl: string
  credentials: SandboxCredentials
  /** `workspace/slug` of a private repository that each of `credentials` can read and write. */
  repository: string
  /** Every request so far. */
  requests: RecordedRequest[]
  /** Queues answers that are given, in order, instead of the real ones. */
  script(...answers: ScriptedAnswer[]): void
  /** Makes a further credential of a kind. */
  issue<Kind extends keyof Issuable>(
    kind: Kind,
    options?: Issuable[Kind]['options'],
  ): Issuable[Kind]['result']
  /**
   * From now on the credential is refused. A consumer is revoked by its id or its secret, a Connect app by its client
   * key or its shared secret.
   *
   * @throws Error when the sandbox never issued it, so a test cannot revoke nothing unseen.
   */
  revoke(credential: string): void
  /** Whether an access, API or refresh token works now. */
  isLive(token: string): boolean
  /**
   * The variables of Pipelines in one scope. Those of a deployment environment can be read and written from the first
   * call for it on, for the call makes the environment.
   */
  variables(scope?: VariableScope): readonly PipelinesVariable[]
  /** The variables with which a shell, and bitbucket-token in it, uses the sandbox. */
  environment(): Record<string, string>
  /** Ends every connection and git process and deletes the repositories. Can be called again. */
  close(): Promise<void>
}
