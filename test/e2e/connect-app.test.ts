import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { runAction } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { failsEverywhere } from './support/everywhere.ts'
import { makeTree } from './support/run.ts'
import { runPipe, runShell } from './support/shell.ts'
import { complaint, requestsOf, transcript } from './support/transcript.ts'

// The grant of Connect apps. Its JWT is a secret while it is valid: three minutes.

const endOfConnect = /Atlassian ends its support of Connect in December 2026/g

test('on GitHub, warns of the end of Connect and masks the JWT before sending it', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket, inputs: { ...inputsFor.connectApp(bitbucket), debug: 'true' } })
  expect(main.outputs['credential-kind']).toBe('jwt')
  expect(main.outputs['scopes']).toBe('account repository repository:write pullrequest')
  const told = transcript(main)
  const head = told.slice(0, told.indexOf('directory=')).replace(/\d+ ms/, '<ms>')
  expect(head).toMatchInlineSnapshot(`
    "state    bitbucket_token_main=started
    stdout   ::add-mask::<connect shared secret>
             ::add-mask::<connect shared secret, percent-encoded>
             Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
             Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
             ::warning title=bitbucket-token::Atlassian ends its support of Connect in December 2026. Move to an OAuth client (client-id, client-secret) or an access token before this grant stops working.
             ::add-mask::<signed JWT>
    request  POST <bitbucket>/site/oauth2/access_token, JWT <signed JWT>, grant_type=urn:bitbucket:oauth2:jwt -> 200
    stdout   debug: POST <bitbucket>/site/oauth2/access_token: status 200 after <ms>
             ::add-mask::<issued access token>
             ::add-mask::<issued access token, percent-encoded>
             ::add-mask::<base64 of x-token-auth:issued access token>
    state    bitbucket_token_"
  `)
  expect(main.stdout.match(endOfConnect)).toHaveLength(1)
})

test('acquires a token in a pipe and in a shell', async ({ bitbucket }) => {
  for (const run of [runPipe, runShell]) {
    const acquired = await run({ bitbucket, inputs: inputsFor.connectApp(bitbucket) })
    expect(acquired.status).toBe(0)
    expect(requestsOf(acquired)).toEqual(['POST /site/oauth2/access_token -> 200'])
    expect(acquired.stderr).toContain('Bitbucket credential: Kind Connect app;')
    expect(acquired.stderr.match(endOfConnect)).toHaveLength(1)
  }
})

test('asks only for the given scopes', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.connectApp(bitbucket), scopes: 'repository, account' }
  const main = await runAction({ bitbucket, inputs })
  expect(main.outputs['scopes']).toBe('repository account')
  expect(requestsOf(main)).toEqual(['POST /site/oauth2/access_token -> 200'])
})

test('exits 4 for a scope that the app does not have', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.connectApp(bitbucket), scopes: 'wiki' }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    warning: Atlassian ends its support of Connect in December 2026. Move to an OAuth client (client-id, client-secret) or an access token before this grant stops working.
    error: Bitbucket refused the scopes (status 400, invalid_scope).
    List only scopes of the app's descriptor in scopes, under the same names. Leave scopes empty to get all of them.
    exit 4"
  `)
})

test('exits 3 if the shared secret is from an earlier installation', async ({ bitbucket }) => {
  bitbucket.revoke(bitbucket.credentials.connectApp.sharedSecret)
  const inputs = inputsFor.connectApp(bitbucket)
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    warning: Atlassian ends its support of Connect in December 2026. Move to an OAuth client (client-id, client-secret) or an access token before this grant stops working.
    error: Bitbucket refused the JWT of the Connect app (status 400, unauthorized_client, "Invalid OAuth client credentials").
    Check in this order:
    - connect-client-key and connect-shared-secret are clientKey and sharedSecret of the newest "installed" callback (each installation has its own, and installing the app again replaces them);
    - connect-app-key is the "key" in the app's descriptor;
    - the app is still installed: Workspace settings → Installed apps;
    - Bitbucket still accepts Connect apps: Atlassian ends their support in December 2026.
    exit 3"
  `)
})

/** Returns the option of Node that moves the clock of a run by some minutes. */
function clockOff(minutes: number): string {
  const preload = join(makeTree(), 'clock.mjs')
  writeFileSync(preload, `const now = Date.now\nDate.now = () => now() + ${minutes * 60_000}\n`)
  return `--import ${preload}`
}

test.each([
  [-7, 'behind'],
  [7, 'ahead of'],
])(
  'a clock that is off by %d minutes is named, and the time of Bitbucket used',
  async (minutes, direction) => {
    const bitbucket = await startBitbucket()
    const inputs = inputsFor.connectApp(bitbucket)
    const run = await runShell({ bitbucket, inputs, env: { NODE_OPTIONS: clockOff(minutes) } })
    expect(run.status).toBe(0)
    expect(requestsOf(run)).toEqual([
      'POST /site/oauth2/access_token -> 400',
      'POST /site/oauth2/access_token -> 200',
    ])
    expect(run.stderr).toContain(`warning: This machine's clock is 7 min ${direction} Bitbucket's`)
  },
)

test('reports a wrong shared secret even if the clock is wrong', async ({ bitbucket }) => {
  bitbucket.revoke(bitbucket.credentials.connectApp.sharedSecret)
  const inputs = inputsFor.connectApp(bitbucket)
  const run = await runShell({ bitbucket, inputs, env: { NODE_OPTIONS: clockOff(7) } })
  expect([run.status, run.requests.length]).toEqual([3, 2])
  expect(complaint(run)).toContain('refused the JWT of the Connect app')
})

test('check names the kind of credential', async ({ bitbucket }) => {
  const inputs = inputsFor.connectApp(bitbucket)
  const { stdout } = await runShell({ bitbucket, inputs, args: ['check', '--format', 'json'] })
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, credential_kind: 'jwt' })
})

test('a dry run sends nothing and makes no JWT', async ({ bitbucket }) => {
  const run = await runShell({ bitbucket, inputs: inputsFor.connectApp(bitbucket), args: ['--dry-run'] })
  expect([run.status, run.requests]).toEqual([0, []])
  expect(run.stderr).toContain(
    'Connect app, from BITBUCKET_CONNECT_APP_KEY, BITBUCKET_CONNECT_CLIENT_KEY, BITBUCKET_CONNECT_SHARED_SECRET',
  )
})
