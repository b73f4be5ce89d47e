import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Credential } from '../bitbucket/credential.ts'
import { type GitOperation, gitOperations } from '../command-line.ts'
import { TokenError } from '../errors.ts'
import { jsonLine } from '../hosts/formats.ts'
import { type LoopbackAnswer, type LoopbackRequest, serveLoopback } from '../http/loopback-server.ts'
import { brokerVariables } from '../outputs.ts'
import { bearerHeader, revealed, Secret } from '../secret.ts'
import { type BrokerClient, brokerPaths } from './broker-client.ts'

/** What a broker answers. */
export interface BrokerAnswers extends Pick<BrokerClient, 'token'> {
  /** Returns what git gets for a request. */
  git(operation: GitOperation, request: string): Promise<Secret>
}

/** A server on loopback that gives the newest token to the processes of one command. */
export interface Broker {
  /** The key that a process must present. It is as secret as the token. */
  readonly key: Secret
  /** What tells a process how to ask: the address and the key. */
  readonly variables: ReadonlyMap<string, string | Secret>
  close(): Promise<void>
}

/**
 * Starts a broker. It works like the container credentials of AWS (`AWS_CONTAINER_CREDENTIALS_FULL_URI` and
 * `AWS_CONTAINER_AUTHORIZATION_TOKEN`): the address and a random key are in the environment of the command, and only a
 * process that presents the key gets an answer. The broker does not keep this process alive.
 */
export async function startBroker(answers: BrokerAnswers): Promise<Broker> {
  const key = new Secret(randomBytes(32).toString('base64url'))
  const expected = bearerHeader(key)
  const answer = async (request: LoopbackRequest): Promise<LoopbackAnswer> => {
    if (!isSame(request.headers.authorization ?? '', expected)) return { status: 401, body: 'Wrong key.\n' }
    try {
      const found = await answerTo(request, answers)
      return found === undefined
        ? { status: 404, body: 'Unknown path.\n' }
        : { status: 200, body: revealed(found) }
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      const { code, message, nextStep } = error
      // Not a status that a client retries, because the broker has already retried.
      return { status: 424, body: JSON.stringify({ code, message, nextStep }) }
    }
  }
  const { port, close } = await serveLoopback(0, answer, { keepsAlive: false })
  const variables = new Map<string, string | Secret>([
    [brokerVariables.url, `http://127.0.0.1:${port}`],
    [brokerVariables.key, key],
  ])
  return { key, variables, close }
}

async function answerTo(
  { method, url, body }: LoopbackRequest,
  answers: BrokerAnswers,
): Promise<Secret | undefined> {
  if (url.pathname === brokerPaths.token) {
    if (method === 'GET') return asJson(await answers.token())
    if (method === 'POST') return asJson(await answers.token(new Secret(body)))
  }
  const operation = gitOperations.find((name) => url.pathname === brokerPaths.git(name))
  return method === 'POST' && operation !== undefined ? answers.git(operation, body) : undefined
}

const asJson = ({ expiryIsAssumed: _, refreshToken: __, ...credential }: Credential): Secret =>
  jsonLine(credential)

/** Compares in constant time. The digests have the same length, whatever is presented. */
function isSame(presented: string, expected: Secret): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(presented), digest(revealed(expected)))
}
