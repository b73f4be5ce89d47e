import { onTestFinished, test as plainTest } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/index.ts'
import { makeTree } from './run.ts'
import { learnIssued, Secrets } from './secrets.ts'

/** The sandbox, with the secrets of the scenario that uses it. */
export interface Bitbucket extends Sandbox {
  readonly secrets: Secrets
}

/** Starts a sandbox that closes when the test ends. */
export async function startBitbucket(options?: SandboxOptions): Promise<Bitbucket> {
  const sandbox = await startSandbox(options)
  const secrets = new Secrets()
  const stopLearning = learnIssued((value, name) => secrets.add(value, name))
  onTestFinished(async () => {
    stopLearning()
    await sandbox.close()
  })
  return { ...sandbox, secrets }
}

/** `test` with a sandbox and a temporary directory for each test that asks for them. */
export const test = plainTest.extend('bitbucket', () => startBitbucket()).extend('tree', () => makeTree())

type Given = Record<string, string>

/** Returns valid inputs for each kind of credential. */
export const inputsFor = {
  consumer: ({ credentials }: Sandbox): Given => ({
    'client-id': credentials.clientId,
    'client-secret': credentials.clientSecret,
  }),
  refreshToken: ({ credentials }: Sandbox): Given => ({
    'client-id': credentials.clientId,
    'client-secret': credentials.clientSecret,
    'refresh-token': credentials.refreshToken,
  }),
  apiToken: ({ credentials }: Sandbox): Given => ({
    email: credentials.email,
    'api-token': credentials.apiToken,
  }),
  connectApp: ({ credentials }: Sandbox): Given => ({
    'connect-app-key': credentials.connectApp.appKey,
    'connect-client-key': credentials.connectApp.clientKey,
    'connect-shared-secret': credentials.connectApp.sharedSecret,
  }),
  accessToken: ({ credentials }: Sandbox): Given => ({ 'access-token': credentials.accessToken }),
}

/** Returns the number of requests for a token. */
export const tokenRequests = ({ requests }: Sandbox): number =>
  requests.filter(({ path }) => path === '/site/oauth2/access_token').length

/** Returns the variables of a step with these inputs. Default: those of an OAuth consumer. */
export const variablesFor = (bitbucket: Sandbox, inputs: Given = inputsFor.consumer(bitbucket)): Given =>
  asVariables({ url: bitbucket.url, 'api-url': bitbucket.apiUrl, ...inputs })

/** Returns the same inputs as variables. */
export function asVariables(inputs: Given): Given {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      `BITBUCKET_${name.toUpperCase().replaceAll('-', '_')}`,
      value,
    ]),
  )
}
