import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { expect, onTestFinished, test } from 'vitest'
import { expectDone, startAuthorizing } from './support/authorizing.ts'
import { startBitbucket } from './support/bitbucket.ts'
import { openChromium } from './support/chromium.ts'
import { runShell, type ShellRun } from './support/shell.ts'

// The grants against an OAuth server that is not ours, panva's oidc-provider, at Bitbucket's paths. In this it differs
// from Bitbucket, and the program copes: it demands PKCE; it says `Bearer` with a capital letter; its tokens are 43
// characters; a refresh token that was used is dead at once, and takes the whole family with it; its errors are
// `invalid_client` with status 401.

const client = { 'client-id': 'a-client', 'client-secret': 'a-secret-of-many-characters-0123456789' }
const scope = 'account repository:write'

/** @returns its address, to be given as Bitbucket's */
async function startProvider(): Promise<string> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(url, {
    clients: [
      {
        client_id: client['client-id'],
        client_secret: client['client-secret'],
        application_type: 'native',
        redirect_uris: ['http://localhost/oauth-callback'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        response_types: ['code'],
      },
    ],
    routes: { authorization: '/site/oauth2/authorize', token: '/site/oauth2/access_token' },
    features: { clientCredentials: { enabled: true } },
    scopes: scope.split(' '),
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    cookies: { keys: ['a-key'] },
  })
  // Bitbucket takes the scopes from the consumer; this server grants those that it is asked for.
  provider.use(async (context, next) => {
    if (context.path === '/site/oauth2/authorize') context.query = { ...context.query, scope }
    await next()
  })
  server.on('request', provider.callback())
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return url
}

const fileIn = ({ cwd }: ShellRun, name: string): string => readFileSync(join(cwd, name), 'utf8')

test('authorization code, refresh and client credentials', async () => {
  const url = await startProvider()
  const bitbucket = await startBitbucket()
  const env = { BITBUCKET_URL: url }

  const authorizing = await startAuthorizing(bitbucket, {
    inputs: client,
    env,
    args: ['--no-browser', '--output-file', 'refresh-token'],
  })
  const page = await (await openChromium()).newTab()
  await page.goto(authorizing.origin)
  await page.getByRole('link', { name: /^Continue to / }).click()
  await page.getByPlaceholder('Enter any login').fill('somebody')
  await page.getByPlaceholder('and password').fill('any')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
  const text = await page.locator('main').innerText()
  expect(text).toContain('ends in 1 hour')
  expect(text).toContain('repository:write')
  // REST is the sandbox's, which has not issued this token.
  expect(text).toContain('not shown: Bitbucket refused the authorization code')
  const authorized = await authorizing.ended
  expectDone(authorized)
  const first = fileIn(authorized, 'refresh-token')
  expect(first).toMatch(/^[\w-]{43}$/)

  const refreshed = await runShell({ bitbucket, env, inputs: { ...client, 'refresh-token': first } })
  expect([refreshed.status, refreshed.stderr]).toEqual([0, expect.stringContaining('repository:write')])
  const second = fileIn(refreshed, '.bitbucket-token/refresh-token')
  expect(second).toMatch(/^[\w-]{43}$/)
  expect(second).not.toBe(first)

  const again = await runShell({ bitbucket, env, inputs: { ...client, 'refresh-token': first } })
  expect([again.status, again.stderr]).toEqual([3, expect.stringContaining('The refresh token is dead')])

  const own = await runShell({ bitbucket, env, inputs: client })
  expect([own.status, own.stderr]).toEqual([0, expect.stringContaining('OAuth client credentials')])
  expect(fileIn(own, '.bitbucket-token/env.sh')).toMatch(/BITBUCKET_ACCESS_TOKEN='[\w-]{43}'/)

  const wrong = await runShell({
    bitbucket,
    env,
    inputs: { ...client, 'client-secret': 'wrong-wrong-wrong' },
  })
  expect([wrong.status, wrong.stderr]).toEqual([3, expect.stringContaining('status 401, invalid_client')])
})
