import { expect, onTestFinished, test } from 'vitest'
import { brokerOf } from '../../src/commands/token-source.ts'
import { bearer } from '../../src/credentials/bearer.ts'
import { TokenError } from '../../src/errors.ts'
import { type BrokerAnswers, startBroker } from '../../src/exec/broker.ts'
import { shell } from '../../src/hosts/shell.ts'
import { rawInputsOfVariables } from '../../src/inputs.ts'
import { brokerVariables } from '../../src/outputs.ts'
import { Secret } from '../../src/secret.ts'
import { fakeRun } from '../support/fake-run.ts'
import { fakeWorld } from '../support/fake-world.ts'

const credential = { ...bearer('client-credentials', new Secret('a-token-0123456789')), expiresAt: 1_000 }

async function broker(answers: Partial<BrokerAnswers> = {}) {
  const started = await startBroker({
    token: async () => credential,
    git: async (operation, request) => new Secret(`${operation} ${request}`),
    ...answers,
  })
  onTestFinished(() => started.close())
  const env = Object.fromEntries(
    [...started.variables].map(([name, value]) => [name, typeof value === 'string' ? value : value.reveal()]),
  )
  return { url: `${env[brokerVariables.url]}`, key: `${env[brokerVariables.key]}`, env }
}

function clientIn(env: Record<string, string>) {
  // The fake clock would jump over the time that a real server needs. Only the wait before a retry is short.
  const sleep = (milliseconds: number) =>
    milliseconds > 10_000 ? new Promise<void>(() => {}) : Promise.resolve()
  const world = fakeWorld({ env, sleep })
  return brokerOf(fakeRun(world, rawInputsOfVariables(env, new Map()), shell(world, undefined, false)))
}

test('gives the token to a process that has the variables', async () => {
  const { env } = await broker()
  const answer = await clientIn(env)?.token()
  expect(answer).toMatchObject({ kind: 'client-credentials', expiresAt: 1_000, gitUsername: 'x-token-auth' })
  expect(answer?.secret.reveal()).toBe('a-token-0123456789')
  expect(answer?.authorization.reveal()).toBe('Bearer a-token-0123456789')
})

test('tells the broker which token was refused', async () => {
  const told: (string | undefined)[] = []
  const token = async (refused?: Secret) => {
    told.push(refused?.reveal())
    return credential
  }
  const { env } = await broker({ token })
  await clientIn(env)?.token()
  await clientIn(env)?.token(new Secret('refused-0123456789'))
  expect(told).toEqual([undefined, 'refused-0123456789'])
})

test('answers git', async () => {
  const { env } = await broker()
  expect((await clientIn(env)?.git('get', 'host=bitbucket.org'))?.reveal()).toBe('get host=bitbucket.org')
})

test('there is no client outside exec', () => {
  expect(clientIn({})).toBeUndefined()
})

test.each([
  ['no key', {}],
  ['another key', { authorization: `Bearer ${'x'.repeat(43)}` }],
  ['a key without its scheme', undefined],
])('refuses %s', async (_, headers) => {
  const { url, key } = await broker()
  const answer = await fetch(`${url}/token`, { headers: headers ?? { authorization: key } })
  expect([answer.status, await answer.text()]).toEqual([401, 'Wrong key.\n'])
})

test.each([
  ['GET', '/'],
  ['PUT', '/token'],
  ['GET', '/git-credential/get'],
  ['POST', '/git-credential/approve'],
])('answers 404 to %s %s', async (method, path) => {
  const { url, key } = await broker()
  const answer = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${key}` } })
  expect(answer.status).toBe(404)
})

test('two brokers have different keys of 256 bits', async () => {
  const [one, other] = [await broker(), await broker()]
  expect(one.key).not.toBe(other.key)
  expect(Buffer.from(one.key, 'base64url')).toHaveLength(32)
})

test('passes on why a token could not be renewed', async () => {
  const error = new TokenError('credential-refused', 'Bitbucket rejected it.', 'Replace it.')
  const { env } = await broker({ token: () => Promise.reject(error) })
  await expect(clientIn(env)?.token()).rejects.toMatchObject({
    code: 'credential-refused',
    message: 'Bitbucket rejected it.',
    nextStep: 'Replace it.',
  })
})

test('says that exec has ended if nobody answers', async () => {
  const started = await startBroker({ token: async () => credential, git: async () => new Secret('') })
  await started.close()
  const env = { [brokerVariables.url]: 'http://127.0.0.1:1', [brokerVariables.key]: 'any' }
  await expect(clientIn(env)?.token()).rejects.toMatchObject({
    code: 'unreachable',
    message: 'The exec that runs this command does not answer.',
  })
})

test.each(['https://evil.example', 'http://127.0.0.1.evil.example:80', 'http://localhost:80/x'])(
  'sends the key only to this machine, not to %s',
  async (url) => {
    const env = { [brokerVariables.url]: url, [brokerVariables.key]: 'any' }
    await expect(clientIn(env)?.token()).rejects.toMatchObject({ code: 'input' })
  },
)
