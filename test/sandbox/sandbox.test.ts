import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.ts'
import { ask, askToken, start } from './start.ts'

test('two sandboxes run side by side and know nothing of each other', async () => {
  const [one, two] = [await start(), await start()]
  expect(one.credentials.clientSecret).not.toBe(two.credentials.clientSecret)
  expect((await askToken(one, { grant_type: 'client_credentials' }, two.credentials)).status).toBe(400)
  expect(two.isLive(one.credentials.accessToken)).toBe(false)
  expect(two.requests).toEqual([])
})

test('the two hosts are two origins on loopback', async () => {
  const { url, apiUrl } = await start()
  for (const origin of [url, apiUrl]) expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(url).not.toBe(apiUrl)
})

test('environment has what a shell needs', async () => {
  const sandbox = await start()
  expect(sandbox.environment()).toEqual({
    BITBUCKET_URL: sandbox.url,
    BITBUCKET_API_URL: sandbox.apiUrl,
    BITBUCKET_CLIENT_ID: sandbox.credentials.clientId,
    BITBUCKET_CLIENT_SECRET: sandbox.credentials.clientSecret,
  })
})

test('a chosen port plays the site, and the next one the API', async () => {
  const free = await twoFreePorts()
  const sandbox = await start({ port: free })
  expect([sandbox.url, sandbox.apiUrl]).toEqual([`http://127.0.0.1:${free}`, `http://127.0.0.1:${free + 1}`])

  await expect(startSandbox({ port: free })).rejects.toThrow('EADDRINUSE')
  // The API's port is taken, so the one that was free before must be free again.
  await expect(startSandbox({ port: free - 1 })).rejects.toThrow('EADDRINUSE')
  await expect(ask(`http://127.0.0.1:${free - 1}`)).rejects.toThrow('fetch failed')
})

test('close ends open connections, can be repeated, and nothing answers after it', async () => {
  const sandbox = await startSandbox()
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

test('everything it hands out is live, and what it never issued cannot be revoked', async () => {
  const sandbox = await start()
  const { refreshToken, apiToken, accessToken } = sandbox.credentials
  for (const token of [refreshToken, apiToken, accessToken]) expect(sandbox.isLive(token)).toBe(true)
  expect(sandbox.isLive('nonsense')).toBe(false)
  expect(() => sandbox.revoke('nonsense')).toThrow('no such credential')
})

test('a consumer has its own scopes, or the sandbox’s', async () => {
  const sandbox = await start({ scopes: ['account'] })
  const granted = async (scopes?: string[]) => {
    const consumer = sandbox.issue('consumer', scopes && { scopes })
    return JSON.parse((await askToken(sandbox, { grant_type: 'client_credentials' }, consumer)).text).scope
  }
  expect(await granted()).toBe('account')
  expect(await granted(['webhook', 'runner'])).toBe('webhook runner')
})

/** A port p where p-1, p and p+1 are free just now. */
async function twoFreePorts(): Promise<number> {
  for (;;) {
    const first = await occupy(0)
    const neighbours = [first.port - 1, first.port + 1].map((port) => occupy(port).catch(() => undefined))
    const all = [first, ...(await Promise.all(neighbours))]
    await Promise.all(all.map((one) => one?.leave()))
    if (all.every((one) => one !== undefined)) return first.port
  }
}

async function occupy(port: number): Promise<{ port: number; leave: () => Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const leave = () => new Promise<void>((resolve) => server.close(() => resolve()))
  onTestFinished(leave)
  return { port: address.port, leave }
}
