import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { expect } from 'vitest'
import { listening } from '../support/loopback.ts'
import { expectDone, startAuthorizing } from './support/authorizing.ts'
import { type Bitbucket, test } from './support/bitbucket.ts'
import { openChromium } from './support/chromium.ts'
import { runShell, type ShellRun } from './support/shell.ts'

// Tests the grants with an OAuth server that is not ours, panva's oidc-provider, at Bitbucket's paths. It differs from
// Bitbucket, and the program must still work:
// - it requires PKCE
// - it writes `Bearer` with a capital letter
// - its tokens have 43 characters
// - a used refresh token is invalid at once, and using it again revokes the whole family
// - its error is `invalid_client` with status 401

/** The Bitbucket client that most JavaScript scripts use. Its types include sources that do not compile here. */
const { Bitbucket: Client } = createRequire(import.meta.url)('bitbucket') as {
  Bitbucket: new (options: {
    baseUrl: string
    auth: { token: string }
    notice: boolean
  }) => {
    users: { getAuthedUser(of: object): Promise<{ data: { display_name: string } }> }
    repositories: {
      get(of: { workspace: string; repo_slug: string }): Promise<{ data: { full_name: string } }>
    }
  }
}

const consumer = { 'client-id': 'a-client', 'client-secret': 'a-secret-of-many-characters-0123456789' }
const scope = 'account repository:write'

/** Starts the provider. Its URL is for the input `url`. */
async function startProvider(): Promise<{ url: string; provider: Provider }> {
  const server = createServer()
  const url = await listening(server)
  const provider = new Provider(url, {
    clients: [
      {
        client_id: consumer['client-id'],
        client_secret: consumer['client-secret'],
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
  // Bitbucket grants the consumer's scopes. This server grants the requested ones, so they are added to the request.
  provider.use(async (context, next) => {
    if (context.path === '/site/oauth2/authorize') context.query = { ...context.query, scope }
    await next()
  })
  server.on('request', provider.callback())
  return { url, provider }
}

/** Serves the sandbox's REST API for tokens of the provider, because the sandbox knows only its own tokens. */
async function startApi(provider: Provider, bitbucket: Bitbucket): Promise<string> {
  const server = createServer()
  const url = await listening(server)
  server.on('request', async ({ url: path, headers }, response) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? ''
    const isIssued =
      (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token))
    const authorization = isIssued
      ? `Bearer ${bitbucket.issue('oauth-token', { actsAs: 'user' })}`
      : 'Bearer x'
    const answer = await fetch(`${bitbucket.apiUrl}${path}`, { headers: { authorization } })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  return url
}

const fileIn = ({ cwd }: ShellRun, name: string): string => readFileSync(join(cwd, name), 'utf8')

const accessTokenIn = (run: ShellRun): string =>
  /BITBUCKET_ACCESS_TOKEN='([^']+)'/.exec(fileIn(run, '.bitbucket-token/env.sh'))?.[1] ?? ''

test('runs the grants authorization code, refresh and client credentials', {
  tags: ['chromium'],
}, async ({ bitbucket }) => {
  const { url, provider } = await startProvider()
  const apiUrl = await startApi(provider, bitbucket)
  const env = { BITBUCKET_URL: url, BITBUCKET_API_URL: apiUrl }

  const authorizing = await startAuthorizing(bitbucket, {
    inputs: consumer,
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
  expect(text).toContain('expires in 1 hour')
  expect(text).toContain('repository:write')
  expect(text).toContain('Sandbox User')
  const authorized = await authorizing.ended
  expectDone(authorized)
  const first = fileIn(authorized, 'refresh-token')
  expect(first).toMatch(/^[\w-]{43}$/)

  const refreshed = await runShell({ bitbucket, env, inputs: { ...consumer, 'refresh-token': first } })
  expect([refreshed.status, refreshed.stderr]).toEqual([0, expect.stringContaining('repository:write')])
  const client = new Client({
    baseUrl: `${apiUrl}/2.0`,
    auth: { token: accessTokenIn(refreshed) },
    notice: false,
  })
  expect((await client.users.getAuthedUser({})).data.display_name).toBe('Sandbox User')
  const [workspace = '', repo_slug = ''] = bitbucket.repository.split('/')
  expect((await client.repositories.get({ workspace, repo_slug })).data.full_name).toBe(bitbucket.repository)
  const second = fileIn(refreshed, '.bitbucket-token/refresh-token')
  expect(second).toMatch(/^[\w-]{43}$/)
  expect(second).not.toBe(first)

  const again = await runShell({ bitbucket, env, inputs: { ...consumer, 'refresh-token': first } })
  expect([again.status, again.stderr]).toEqual([
    3,
    expect.stringContaining('The refresh token is no longer valid'),
  ])

  // Using the first one again has revoked its successor.
  const family = await runShell({ bitbucket, env, inputs: { ...consumer, 'refresh-token': second } })
  expect(family.status).toBe(3)

  const own = await runShell({ bitbucket, env, inputs: consumer })
  expect([own.status, own.stderr]).toEqual([0, expect.stringContaining('OAuth client credentials')])
  expect(accessTokenIn(own)).toMatch(/^[\w-]{43}$/)

  const wrong = await runShell({
    bitbucket,
    env,
    inputs: { ...consumer, 'client-secret': 'wrong-wrong-wrong' },
  })
  expect([wrong.status, wrong.stderr]).toEqual([3, expect.stringContaining('status 401, invalid_client')])
})
