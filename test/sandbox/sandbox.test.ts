import { expect } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.ts'
import { closedPort } from '../support/loopback.ts'
import { ask, askToken, start, test } from './start.ts'

test('two sandboxes run side by side and share nothing', async () => {
  const [one, two] = [await start(), await start()]
  expect(one.credentials.clientSecret).not.toBe(two.credentials.clientSecret)
  expect((await askToken(one, { grant_type: 'client_credentials' }, two.credentials)).status).toBe(400)
  expect(two.isLive(one.credentials.accessToken)).toBe(false)
  expect(two.requests).toEqual([])
})

test('url and apiUrl are two origins on loopback', async () => {
  const { url, apiUrl } = await start()
  for (const origin of [url, apiUrl]) expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(url).not.toBe(apiUrl)
})

test('environment returns the addresses and the consumer', async ({ sandbox }) => {
  expect(sandbox.environment()).toEqual({
    BITBUCKET_URL: sandbox.url,
    BITBUCKET_API_URL: sandbox.apiUrl,
    BITBUCKET_CLIENT_ID: sandbox.credentials.clientId,
    BITBUCKET_CLIENT_SECRET: sandbox.credentials.clientSecret,
  })
})

test('the given port plays the site, and the next port plays the API', async () => {
  const lower = await closedPort(3)
  const free = lower + 1
  const sandbox = await start({ port: free })
  expect([sandbox.url, sandbox.apiUrl]).toEqual([`http://127.0.0.1:${free}`, `http://127.0.0.1:${free + 1}`])

  await expect(startSandbox({ port: free })).rejects.toThrow('EADDRINUSE')
  // The API's port is in use, so the sandbox must release the lower port again.
  await expect(startSandbox({ port: lower })).rejects.toThrow('EADDRINUSE')
  await expect(ask(`http://127.0.0.1:${lower}`)).rejects.toThrow('fetch failed')
})

test('close ends open connections and can be called again, and then nothing answers', async () => {
  const sandbox = await startSandbox({ port: await closedPort(2) })
  sandbox.script(() => {})
  const silent = ask(sandbox.url)
  silent.catch(() => {})
  while (sandbox.requests.length === 0) await new Promise(setImmediate)
  await Promise.all([sandbox.close(), sandbox.close()])
  await sandbox.close()
  await expect(silent).rejects.toThrow('fetch failed')
  await expect(ask(sandbox.url)).rejects.toThrow('fetch failed')
  await expect(ask(sandbox.apiUrl)).rejects.toThrow('fetch failed')
})

test('all its credentials work, and revoke throws for a credential that it never issued', async ({
  sandbox,
}) => {
  const { refreshToken, apiToken, accessToken } = sandbox.credentials
  for (const token of [refreshToken, apiToken, accessToken]) expect(sandbox.isLive(token)).toBe(true)
  expect(sandbox.isLive('nonsense')).toBe(false)
  expect(() => sandbox.revoke('nonsense')).toThrow('no such credential')
})

test('a consumer has its own scopes or, by default, the sandbox’s', async () => {
  const sandbox = await start({ scopes: ['account'] })
  const granted = async (scopes?: string[]) => {
    const consumer = sandbox.issue('consumer', scopes && { scopes })
    return JSON.parse((await askToken(sandbox, { grant_type: 'client_credentials' }, consumer)).text).scope
  }
  expect(await granted()).toBe('account')
  expect(await granted(['webhook', 'runner'])).toBe('webhook runner')
})
