import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bearer } from '../../src/credentials/bearer.ts'
import { startBroker } from '../../src/exec/broker.ts'
import { getAccessTokenIn } from '../../src/library/get-access-token.ts'
import { forgetAccessTokens, type TokenOptions } from '../../src/library/index.ts'
import { revealed, Secret } from '../../src/secret.ts'
import { consumer, fakeBitbucket, fakeStorage, worldWithClock } from './support/fakes.ts'

/** Returns a machine on which each `get` is another process: it starts with an empty memory. */
function machine() {
  const temporary = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-shared-'))
  onTestFinished(() => rmSync(temporary, { recursive: true }))
  const bitbucket = fakeBitbucket()
  const clock = worldWithClock()
  const world = { ...clock, env: { RUNNER_TEMP: temporary } }
  const get = async (options: TokenOptions = {}) => {
    forgetAccessTokens()
    return getAccessTokenIn(world, { ...consumer, ...bitbucket, shareCache: true, ...options })
  }
  return { temporary, bitbucket, clock, world, get }
}

test('another process gets the same token until it expires', async () => {
  const { clock, get, bitbucket } = machine()
  const first = await get()
  const second = await get()
  expect([second.accessToken, second.scopes]).toEqual([first.accessToken, ['account']])
  clock.advance(7_200_000 - 300_000)
  expect((await get()).accessToken).toBe('access-2')
  expect(bitbucket.requests).toHaveLength(2)
})

test('another credential has another token', async () => {
  const { get } = machine()
  await get()
  expect((await get({ clientId: 'another-key' })).accessToken).toBe('access-2')
})

test('calls of one process at the same time share one request', async () => {
  const { world, bitbucket } = machine()
  const options = { ...consumer, ...bitbucket, shareCache: true }
  await Promise.all([getAccessTokenIn(world, options), getAccessTokenIn(world, options)])
  expect(bitbucket.requests).toHaveLength(1)
})

test('a refused token is replaced for all processes', async () => {
  const { get } = machine()
  const { accessToken: refused } = await get()
  expect((await get({ refused })).accessToken).toBe('access-2')
  expect((await get()).accessToken).toBe('access-2')
  expect((await get({ refused })).accessToken).toBe('access-2')
})

test('forceCredentials neither reads nor replaces the shared token', async () => {
  const { get } = machine()
  await get()
  expect((await get({ forceCredentials: true })).accessToken).toBe('access-2')
  expect((await get()).accessToken).toBe('access-1')
})

test('each renewal spends the newest refresh token', async () => {
  const { get, clock, bitbucket } = machine()
  for (const expected of ['refresh-1', 'refresh-2', 'refresh-3']) {
    expect((await get({ refreshToken: 'refresh-0' })).refreshToken).toBe(expected)
    clock.advance(7_200_000)
  }
  expect(bitbucket.forms().map((form) => form['refresh_token'])).toEqual([
    'refresh-0',
    'refresh-1',
    'refresh-2',
  ])
})

test('a token that the user made needs no cache', async () => {
  const { world, temporary, bitbucket } = machine()
  const accessToken = 'made-0123456789'
  const token = await getAccessTokenIn(world, { ...bitbucket, accessToken, shareCache: true })
  expect([token.accessToken, readdirSync(temporary)]).toEqual([accessToken, []])
})

test.each([
  ['storage', { storage: fakeStorage() }],
  ['loadConfig', { loadConfig: () => undefined, saveConfig: () => {} }],
  ['useRefreshToken', { useRefreshToken: () => true }],
])('%s together with shareCache is an error', async (name, options: TokenOptions) => {
  const { get, bitbucket } = machine()
  await expect(get(options)).rejects.toMatchObject({
    code: 'input',
    message: `shareCache and ${name} were given together.`,
  })
  expect(bitbucket.requests).toEqual([])
})

// The fake clock would jump over the time that a real server needs. Only the wait before a retry is short.
const sleep = (milliseconds: number) =>
  milliseconds > 10_000 ? new Promise<void>(() => {}) : Promise.resolve()

/** Returns the environment inside an `exec` whose broker records which tokens were refused. */
async function insideExec() {
  const refusals: (string | undefined)[] = []
  const broker = await startBroker({
    async token(refused) {
      refusals.push(refused && revealed(refused))
      return bearer('client-credentials', new Secret(`from-exec-${refusals.length}`))
    },
    git: async () => new Secret(''),
  })
  onTestFinished(() => broker.close())
  const variables = [...broker.variables].map(
    ([name, value]) => [name, typeof value === 'string' ? value : revealed(value)] as const,
  )
  return {
    refusals,
    env: { ...Object.fromEntries(variables), BITBUCKET_ACCESS_TOKEN: 'the-first-0123456789' },
  }
}

test('inside exec, each call asks exec for the newest token, and tells it which one was refused', async () => {
  const { refusals, env } = await insideExec()
  const inside = { ...machine().world, sleep, env }
  const token = await getAccessTokenIn(inside, { shareCache: true })
  expect([token.accessToken, token.kind]).toEqual(['from-exec-1', 'client-credentials'])
  expect((await getAccessTokenIn(inside, { shareCache: true })).accessToken).toBe('from-exec-2')
  await getAccessTokenIn(inside, { shareCache: true, refused: 'from-exec-2' })
  expect(refusals).toEqual([undefined, undefined, 'from-exec-2'])
})

test('inside exec, options that name a credential overrule that of exec', async () => {
  const { refusals, env } = await insideExec()
  const { world, bitbucket } = machine()
  const inside = { ...world, env: { ...world.env, ...env } }
  const token = await getAccessTokenIn(inside, { ...consumer, ...bitbucket, shareCache: true })
  expect([token.accessToken, refusals]).toEqual(['access-1', []])
})
