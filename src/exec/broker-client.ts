import type { Credential } from '../bitbucket/credential.ts'
import type { GitOperation } from '../command-line.ts'
import { type ErrorCode, TokenError } from '../errors.ts'
import { openHttp } from '../http/client.ts'
import { brokerVariables } from '../outputs.ts'
import { hide, type Run } from '../run.ts'
import { Secret } from '../secret.ts'
import { brokerPaths } from './broker-paths.ts'

/** Asks the broker of the `exec` that runs this process. */
export interface BrokerClient {
  /** Returns the newest token. */
  token(): Promise<Credential>
  /** Returns the answer to a request of git. */
  git(operation: GitOperation, request: string): Promise<Secret>
}

/** Returns the client of the broker that the environment names; undefined outside `exec`. */
export function brokerClient(run: Run): BrokerClient | undefined {
  const { world, host, redactor } = run
  const [address, given] = [world.env[brokerVariables.url], world.env[brokerVariables.key]]
  if (!address || !given) return undefined
  const key = new Secret(given)
  hide([key], run)
  const send = async (method: 'GET' | 'POST', path: string, body?: string): Promise<string> => {
    const http = await openHttp({
      timeout: run.inputs().timeout * 1_000,
      retries: 1,
      world,
      log: host.log,
      quote: (text) => redactor.quote(text),
    })
    const answer = await http({
      method,
      url: brokerUrl(address, path),
      headers: { authorization: key.derive((value) => `Bearer ${value}`) },
      ...(body !== undefined && { body: new Secret(body) }),
    }).catch((error) => {
      throw error instanceof TokenError && error.code === 'unreachable' ? gone(error) : error
    })
    if (answer.status === 200) return answer.body
    throw answer.status === 424 ? errorIn(answer.body) : gone()
  }
  return {
    async token() {
      const credential = credentialIn(await send('GET', brokerPaths.token))
      hide([credential.secret, credential.authorization], run)
      return credential
    },
    git: async (operation, request) => new Secret(await send('POST', brokerPaths.git(operation), request)),
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

const gone = (cause?: unknown) =>
  new TokenError(
    'unreachable',
    'The exec that runs this command does not answer.',
    'It has probably ended. exec ends with its command, so a process that the command leaves behind gets no more tokens.',
    cause,
  )

/** Returns the error that the broker met when it renewed the token. */
function errorIn(body: string): TokenError {
  const { code, message, nextStep } = JSON.parse(body) as {
    readonly [Name in 'message' | 'nextStep']: string
  } & { readonly code: ErrorCode }
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
