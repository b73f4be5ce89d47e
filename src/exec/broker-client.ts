import type { Credential } from '../bitbucket/credential.ts'
import { TokenError } from '../errors.ts'
import { type HttpOptions, openHttp } from '../http/client.ts'
import { brokerVariables } from '../outputs.ts'
import { bearerHeader, Secret } from '../secret.ts'
import type { World } from '../world.ts'

/** Asks the broker of the `exec` that runs this process. */
export interface BrokerClient {
  /**
   * Returns the newest token.
   * @param refused a token that Bitbucket has refused, so that another one must be returned
   */
  token(refused?: Secret): Promise<Credential>
  /** Returns the answer to a request of git. */
  git(operation: string, request: string): Promise<Secret>
}

/** What a client uses of its program. */
interface BrokerContext extends Pick<HttpOptions, 'world' | 'log' | 'quote'> {
  /** Returns the time limit in milliseconds. */
  timeout(): number
  hide(secrets: readonly Secret[]): void
}

/** Returns the client of the broker that the environment names; undefined outside `exec`. */
export function brokerClient(
  env: World['env'],
  { timeout, hide, ...context }: BrokerContext,
): BrokerClient | undefined {
  const [address, keyText] = [env[brokerVariables.url], env[brokerVariables.key]]
  if (!address || !keyText) return undefined
  const key = new Secret(keyText)
  hide([key])
  const send = async (method: 'GET' | 'POST', path: string, body?: Secret): Promise<string> => {
    const http = await openHttp({ ...context, timeout: timeout(), retries: 1 })
    const answer = await http({
      method,
      url: brokerUrl(address, path),
      headers: { authorization: bearerHeader(key) },
      ...(body !== undefined && { body }),
    }).catch((error) => {
      throw error instanceof TokenError && error.code === 'unreachable' ? brokerGone(error) : error
    })
    if (answer.status === 200) return answer.body
    throw answer.status === 424 ? errorIn(answer.body) : brokerGone()
  }
  return {
    async token(refused) {
      const method = refused === undefined ? 'GET' : 'POST'
      const credential = credentialIn(await send(method, brokerPaths.token, refused))
      hide([credential.secret, credential.authorization])
      return credential
    },
    git: async (operation, request) =>
      new Secret(await send('POST', brokerPaths.git(operation), new Secret(request))),
  }
}

/** @throws {TokenError} `input` if the variable was changed, because the key may be sent only to this machine */
function brokerUrl(address: string, path: string): URL {
  if (/^http:\/\/127\.0\.0\.1:\d{1,5}$/.test(address)) return new URL(path, address)
  throw new TokenError(
    'input',
    `${brokerVariables.url} is not an address of exec.`,
    'Do not change this variable. exec sets it.',
  )
}

const brokerGone = (cause?: unknown) =>
  new TokenError(
    'unreachable',
    'The exec that runs this command does not answer.',
    'It has probably ended. exec ends with its command, so a process that the command leaves behind gets no more tokens.',
    cause,
  )

/** Returns the error that the broker met when it renewed the token. */
function errorIn(body: string): TokenError {
  const { code, message, nextStep }: Pick<TokenError, 'code' | 'message' | 'nextStep'> = JSON.parse(body)
  return new TokenError(code, message, nextStep)
}

/** Reads what the broker wrote: a credential as JSON. */
function credentialIn(body: string): Credential {
  const { secret, authorization, ...rest } = JSON.parse(body)
  return {
    expiresIn: undefined,
    expiresAt: undefined,
    scopes: undefined,
    expiryIsAssumed: false,
    ...rest,
    secret: new Secret(secret),
    authorization: new Secret(authorization),
    refreshToken: undefined,
  }
}

/** The paths of the broker of `exec`. */
export const brokerPaths = {
  token: '/token',
  git: (operation: string) => `/git-credential/${operation}`,
} as const
