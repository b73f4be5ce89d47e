import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { listening } from '../support/loopback.ts'
import { type Authorizing, expectDone, saidBy, startAuthorizing } from './support/authorizing.ts'
import { type Bitbucket, inputsFor, startBitbucket, test, tokenRequests } from './support/bitbucket.ts'
import { type Browser, openChromium } from './support/chromium.ts'
import { repeats } from './support/faults.ts'
import { pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { runShell } from './support/shell.ts'
import { complaint, requestsOf } from './support/transcript.ts'

/** The tag of a test with a browser. */
const chromium = { tags: ['chromium' as const] }
const toFile = ['--no-browser', '--output-file', 'refresh-token']

/** Goes from the start page to Bitbucket's page. */
async function goToConsent(browser: Browser, { origin }: Authorizing): Promise<Page> {
  const page = await browser.newTab()
  await page.goto(origin)
  await page.getByRole('link', { name: /^Continue to / }).click()
  await page.getByRole('heading', { name: 'Confirm access to your account' }).waitFor()
  return page
}

/** Grants access without a browser, and returns the address to which Bitbucket would send the browser back. */
async function consentTo({ origin }: Authorizing): Promise<string> {
  const begun = await fetch(`${origin}/authorize`, { redirect: 'manual' })
  const granted = await fetch(begun.headers.get('location') ?? '', {
    method: 'POST',
    body: new URLSearchParams({ decision: 'grant' }),
    redirect: 'manual',
  })
  return granted.headers.get('location') ?? ''
}

/** Starts the program and takes a browser to Bitbucket's page. */
async function atConsent(
  step: Parameters<typeof startAuthorizing>[1] = { args: toFile },
  sandbox: Parameters<typeof startBitbucket>[0] = {},
) {
  const bitbucket = await startBitbucket(sandbox)
  const authorizing = await startAuthorizing(bitbucket, step)
  const browser = await openChromium()
  return { bitbucket, authorizing, browser, page: await goToConsent(browser, authorizing) }
}

const grant = (page: Page) => page.getByRole('button', { name: 'Grant access' }).click()
const cancel = (page: Page) => page.getByRole('button', { name: 'Cancel' }).click()
const heading = (page: Page) => page.locator('h1').textContent()

async function expectClean(browser: Browser, { secrets }: Bitbucket): Promise<void> {
  const shown = await browser.shown()
  expect(shown).toContain('bitbucket-token')
  expect(secretsIn(shown, secrets)).toEqual([])
  // Only Bitbucket's own page has the state in its address. Addresses of this program end with the path.
  expect(shown).not.toMatch(/[?&#](code|access_token)=/)
  expect(shown).not.toMatch(/http:\/\/localhost:\d+\/[^\s]*[?#]/)
}

/** Reads the token from a file that only its owner may read. */
function tokenIn(cwd: string, name = 'refresh-token'): string {
  expect((statSync(join(cwd, name)).mode & 0o777).toString(8)).toBe('600')
  return readFileSync(join(cwd, name), 'utf8')
}

describe('if the user grants access,', () => {
  test('the refresh token is in a file, and nowhere else', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent()
    await grant(page)

    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    expect(await page.title()).toBe('Access was granted – bitbucket-token')
    expect(page.url()).toBe(`${authorizing.origin}/result/1`)
    const text = await page.locator('main').innerText()
    expect(text).toContain('Sandbox User')
    expect(text).toContain('repository:write')
    expect(text).toMatch(/Access token\s+also returned; expires in 2 hours \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)/)
    await expectClean(browser, bitbucket)

    const run = await authorizing.ended
    expectDone(run)
    expect(bitbucket.isLive(tokenIn(run.cwd))).toBe(true)
    const requests = requestsOf(run).filter((line) => !line.includes('/favicon.ico'))
    expect(requests.map((line) => line.replace(/\?.*(?= ->)/, '?…'))).toEqual([
      'GET /site/oauth2/authorize?… -> 200',
      'POST /site/oauth2/authorize?… -> 302',
      'POST /site/oauth2/access_token -> 200',
      'GET /2.0/user -> 200',
    ])
    expect(saidBy(run, authorizing).replace(run.cwd, '<work>')).toMatchInlineSnapshot(`
      "Using BITBUCKET_URL http://<sandbox> instead of https://bitbucket.org. Your secrets will be sent there.
      Using BITBUCKET_API_URL http://<sandbox> instead of https://api.bitbucket.org. Your secrets will be sent there.
      Open <origin>/ in a browser. Press Ctrl-C to stop.
      To use a browser on another machine, forward the port first: ssh -L <port>:localhost:<port> THIS-MACHINE
      Access was granted. Account: Sandbox User. Scopes: account, repository, repository:write, pullrequest. The refresh token was written to the file <work>/refresh-token.
      "
    `)
  })

  test('the store has the token, and the next job reads it there', chromium, async ({ bitbucket }) => {
    const authorizing = await startAuthorizing(bitbucket, {
      args: ['--no-browser', '--save-refresh-token', 'file:refresh-token'],
    })
    const browser = await openChromium()
    await grant(await goToConsent(browser, authorizing))
    const run = await authorizing.ended
    expectDone(run)
    const first = tokenIn(run.cwd)
    const asked = bitbucket.requests.length
    const job = await runShell({
      bitbucket,
      tree: run.tree,
      env: {
        BITBUCKET_CLIENT_ID: run.given['BITBUCKET_CLIENT_ID'] ?? '',
        BITBUCKET_CLIENT_SECRET: run.given['BITBUCKET_CLIENT_SECRET'] ?? '',
        BITBUCKET_SAVE_REFRESH_TOKEN: 'file:refresh-token',
      },
    })
    // The job uses the access token that was returned with it, because that is less than 72 seconds old.
    expect([job.status, bitbucket.requests.length, tokenIn(run.cwd)]).toEqual([0, asked, first])
  })

  test('--show-token prints the token on stdout, and no page shows it', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({
      args: ['--no-browser', '--show-token'],
      showsSecret: true,
    })
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    await expectClean(browser, bitbucket)
    const run = await authorizing.ended
    expectDone(run)
    expect(run.stdout).toMatch(/^\S{2500,}\n$/)
    expect(bitbucket.isLive(run.stdout.trim())).toBe(true)
  })

  test('the page says which scope is missing to show the account', chromium, async () => {
    const { authorizing, page } = await atConsent({ args: toFile }, { scopes: ['repository'] })
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    expect(await page.locator('main').innerText()).toContain(
      'unknown, because reading it needs the scope account',
    )
    expectDone(await authorizing.ended)
  })

  test(
    'the second of two tabs ends the server, so the first cannot connect',
    chromium,
    async ({ bitbucket }) => {
      const authorizing = await startAuthorizing(bitbucket, { args: toFile })
      const browser = await openChromium()
      const first = await goToConsent(browser, authorizing)
      const second = await goToConsent(browser, authorizing)
      await grant(second)
      await second.getByRole('heading', { name: 'Access was granted' }).waitFor()
      expectDone(await authorizing.ended)
      const failed = first.waitForEvent('requestfailed')
      await grant(first).catch(() => {})
      expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_REFUSED')
      expect(tokenRequests(bitbucket)).toBe(1)
    },
  )

  /** Replaces the machine's browser launcher with one that records its arguments and environment. */
  async function withLauncher(
    env: Record<string, string> = {},
  ): Promise<Authorizing & { launched: () => string }> {
    const tree = makeTree()
    const launcher = join(tree, 'xdg-open')
    writeFileSync(launcher, '#!/bin/sh\n{ echo "$@"; env; } >"$0.part" && mv "$0.part" "$0.said"\n')
    chmodSync(launcher, 0o755)
    const authorizing = await startAuthorizing(await startBitbucket(), {
      tree,
      args: ['--output-file', 'refresh-token'],
      env: { PATH: `${tree}:${pathWithoutProject}`, ...env },
    })
    const browser = await openChromium()
    await grant(await goToConsent(browser, authorizing))
    expectDone(await authorizing.ended)
    const launched = () => (existsSync(`${launcher}.said`) ? readFileSync(`${launcher}.said`, 'utf8') : '')
    return { ...authorizing, launched }
  }

  test('the browser was started without credentials in its environment', chromium, async () => {
    const { launched, origin } = await withLauncher()
    expect(launched().split('\n')[0]).toBe(`${origin}/`)
    expect(launched()).toContain('BITBUCKET_URL=')
    expect(launched()).not.toContain('BITBUCKET_CLIENT_SECRET')
  })

  test('no browser was started over SSH', chromium, async () => {
    const { launched, ended } = await withLauncher({ SSH_CONNECTION: '192.0.2.1 50000 192.0.2.2 22' })
    expect(launched()).toBe('')
    expect((await ended).stderr).toMatch(/forward the port first: ssh -L (\d+):localhost:\1 /)
  })
})

test('writes the file even if the store fails', async ({ bitbucket }) => {
  const authorizing = await startAuthorizing(bitbucket, {
    inputs: { 'save-refresh-token': 'command:exit 7', retries: '0' },
    args: toFile,
  })
  await (await fetch(await consentTo(authorizing))).text()
  const run = await authorizing.ended
  expect([run.status, run.stderr]).toEqual([4, expect.stringContaining('it failed with exit status 7')])
  expect(run.stderr).toContain(`The refresh token was written to the file ${join(run.cwd, 'refresh-token')}.`)
  expect(bitbucket.isLive(tokenIn(run.cwd))).toBe(true)
})

test('reports both of two destinations that fail', async ({ bitbucket, tree }) => {
  const authorizing = await startAuthorizing(bitbucket, {
    tree,
    inputs: { 'save-refresh-token': 'command:exit 7', retries: '0' },
    args: toFile,
  })
  const back = await consentTo(authorizing)
  // Somebody creates a directory there while the user is at Bitbucket.
  mkdirSync(join(tree, 'work/refresh-token'))
  await (await fetch(back)).text()
  const run = await authorizing.ended
  expect([run.status, run.stderr]).toEqual([4, expect.stringContaining('it failed with exit status 7')])
  expect(run.stderr).toMatch(/error: .*refresh-token could not be written/)
})

describe('if access is not granted,', () => {
  test('a user who cancelled can start again', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent()
    await cancel(page)
    await page.getByRole('heading', { name: 'Access was not granted' }).waitFor()
    expect(await page.locator('q').innerText()).toBe('access_denied: The resource owner denied the request')
    await expectClean(browser, bitbucket)
    expect(tokenRequests(bitbucket)).toBe(0)
    await page.getByRole('link', { name: 'Start again' }).click()
    await page.getByRole('link', { name: /^Continue to / }).click()
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    const run = await authorizing.ended
    expectDone(run)
    expect(run.stderr).toContain('warning: Access was not granted. The page in the browser has the details.')
  })

  test('a callback with an unknown or used state is rejected', chromium, async ({ bitbucket }) => {
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const { callback, origin, kill, ended } = authorizing
    const browser = await openChromium()
    const page = await browser.newTab()
    await page.goto(`${callback}?code=stolen&state=guessed`)
    expect(await heading(page)).toBe('The program did not ask for this answer')
    await page.goto(`${callback}?code=stolen`)
    expect(await heading(page)).toBe('This answer is not from Bitbucket')

    const answers: string[] = []
    page.on('request', (asked) => {
      if (asked.url().startsWith(callback)) answers.push(asked.url())
    })
    await page.goto(`${origin}/authorize`)
    await cancel(page)
    await page.getByRole('heading', { name: 'Access was not granted' }).waitFor()
    const [answer = ''] = answers
    // The same state with a code, as if access had been granted.
    await page.goto(answer.replace(/error=[^&]*&error_description=[^&]*/, 'code=stolen'))
    expect(await heading(page)).toBe('This answer was already used')
    expect(tokenRequests(bitbucket)).toBe(0)
    kill('SIGINT')
    const run = await ended
    expect(run.status).toBe(130)
    expect(run.stderr).not.toContain('stolen')
  })

  test.each([
    ['from another issuer', 'set', 'iss', 'https://evil.example', 'comes from another server'],
    ['with two codes', 'append', 'code', 'stolen', 'repeats a parameter'],
    ['with two states', 'append', 'state', 'guessed', 'repeats a parameter'],
    ['with a code and an error', 'set', 'error', 'access_denied', 'contradicts itself'],
    ['with a code and a token', 'set', 'access_token', 'stolen', 'belongs to another grant'],
  ] as const)(
    'an answer %s is rejected, and the real answer still works',
    async (_, how, name, value, why) => {
      const title = `This answer ${why}`
      const bitbucket = await startBitbucket()
      const authorizing = await startAuthorizing(bitbucket, { args: toFile })
      const right = await consentTo(authorizing)
      const wrong = new URL(right)
      wrong.searchParams[how](name, value)
      const page = await (await fetch(wrong)).text()
      expect(page).toContain(`<h1>${title}</h1>`)
      expect(page).not.toContain('stolen')
      expect(secretsIn(page, bitbucket.secrets)).toEqual([])
      expect(tokenRequests(bitbucket)).toBe(0)
      await fetch(right)
      const run = await authorizing.ended
      expectDone(run)
      expect(run.stderr).toContain(`warning: ${title}. The page in the browser has the details.`)
    },
  )

  test('a signal after the consent is reported as a token that was not saved', async ({ bitbucket }) => {
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const back = await consentTo(authorizing)
    const asked = new Promise<void>((resolve) => {
      bitbucket.script(() => resolve())
    })
    const answer = fetch(back).catch(() => {})
    await asked
    authorizing.kill('SIGINT')
    expect(complaint(await authorizing.ended)).toContain('Stopped before the token was saved.')
    await answer
  })

  test('no secret that a server repeats appears in the page or the log', async ({ bitbucket }) => {
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const back = await consentTo(authorizing)
    bitbucket.script(repeats)
    const page = await (await fetch(back)).text()
    expect(page).toContain('What is Basic ***?')
    expect(secretsIn(page, bitbucket.secrets)).toEqual([])
    expect((await authorizing.ended).stderr).toContain('What is Basic ***?')
  })

  test('a wrong callback URL keeps the browser at Bitbucket', chromium, async ({ bitbucket }) => {
    const consumer = bitbucket.issue('consumer', { callback: 'https://example.com' })
    const authorizing = await startAuthorizing(bitbucket, {
      args: toFile,
      inputs: { 'client-id': consumer.clientId, 'client-secret': consumer.clientSecret },
    })
    const browser = await openChromium()
    const page = await browser.newTab()
    await page.goto(authorizing.origin)
    expect(await page.locator('main').innerText()).toContain('Bitbucket says “Invalid redirect_uri”')
    await page.getByRole('link', { name: /^Continue to / }).click()
    expect(await heading(page)).toBe('Invalid redirect_uri')
    authorizing.kill('SIGTERM')
    expect((await authorizing.ended).status).toBe(143)
  })

  test('a wrong client secret is explained in the page and the terminal', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({
      args: toFile,
      inputs: { 'client-secret': 'wrong-secret-0123456789' },
    })
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted, but then something failed' }).waitFor()
    expect(await page.locator('main').innerText()).toContain('Invalid OAuth client credentials')
    await expectClean(browser, bitbucket)
    const run = await authorizing.ended
    expect(run.status).toBe(3)
    expect(run.stderr).toContain('Bitbucket refused the authorization code or its client (status 400')
  })
})

test('times out if nobody comes for ten minutes', async ({ bitbucket }) => {
  const { ended } = await startAuthorizing(bitbucket, {
    args: toFile,
    preload: new URL('./support/long-waits-pass.mjs', import.meta.url).href,
  })
  expect(
    complaint(await ended)
      .split('\n')
      .slice(-3),
  ).toMatchInlineSnapshot(`
    [
      "error: Timed out: nobody granted access within ten minutes.",
      "Run it again, and press the button on Bitbucket’s page within ten minutes.",
      "exit 1",
    ]
  `)
})

describe('the implicit grant', () => {
  const implicit = ['--no-browser', '--implicit', '--output-file', 'access-token']

  test('removes the token from the address and writes it to the file', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({
      args: implicit,
      inputs: { 'client-secret': '' },
    })
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    await expectClean(browser, bitbucket)
    const run = await authorizing.ended
    expectDone(run)
    expect(bitbucket.isLive(tokenIn(run.cwd, 'access-token'))).toBe(true)
    expect(tokenRequests(bitbucket)).toBe(0)
    expect(run.requests.map(({ path }) => path).join('\n')).not.toContain('code_challenge')
  })

  test('explains a refusal, which also comes after the #', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({ args: implicit })
    await cancel(page)
    await page.getByRole('heading', { name: 'Access was not granted' }).waitFor()
    await expectClean(browser, bitbucket)
    authorizing.kill('SIGINT')
    expect((await authorizing.ended).status).toBe(130)
  })

  test('rejects a token in the query, because servers and logs see it there', chromium, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({ args: implicit })
    const back = new Promise<string>((resolve) => {
      page.on('request', (asked) => {
        if (asked.url().startsWith(authorizing.callback) && asked.method() === 'POST')
          resolve(asked.postData() ?? '')
      })
    })
    await page.route(authorizing.callback, async (route) =>
      route.request().method() === 'POST' ? route.abort() : route.continue(),
    )
    await grant(page)
    const answer = await back
    for (const query of [answer, `${answer}&access_token=other`]) {
      await page.goto(`${authorizing.callback}?${query}#${answer}`)
      expect(await heading(page)).toBe('This answer has the token in the wrong place')
      expect(page.url()).toMatch(/\/result\/\d+#$/)
    }
    expect(existsSync(join((await stop(authorizing)).cwd, 'access-token'))).toBe(false)
    expect(secretsIn(await browser.shown(), bitbucket.secrets)).toEqual([])
  })

  test('rejects a token from another page', async ({ bitbucket }) => {
    const { callback, kill, ended } = await startAuthorizing(bitbucket, { args: implicit })
    for (const origin of ['http://evil.example', 'null', undefined]) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(origin && { origin }) }
      const body = 'access_token=x&token_type=bearer&state=guessed'
      expect((await fetch(callback, { method: 'POST', headers, body })).status).toBe(403)
    }
    kill('SIGINT')
    await ended
  })
})

async function stop({ kill, ended }: Authorizing) {
  kill('SIGINT')
  const run = await ended
  expect(run.status).toBe(130)
  return run
}

describe('the server', () => {
  test('warns about the first eight rejected answers, and counts the others', async ({ bitbucket }) => {
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const forged = async (number: number) => {
      const { status } = await fetch(`${authorizing.callback}?code=c&state=${number}`, { redirect: 'manual' })
      expect(status).toBe(303)
    }
    for (let round = 0; round < 50; round++)
      await Promise.all(Array.from({ length: 10 }, (_, index) => forged(10 * round + index)))
    const { stderr } = await stop(authorizing)
    expect(stderr.split('\n').length).toBeLessThan(20)
    expect(stderr).toContain('Further rejected answers are only counted.')
    expect(stderr).toContain('Rejected 492 more answers.')
  })

  test('answers only under the loopback names of this machine', chromium, async ({ bitbucket }) => {
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const { port } = new URL(authorizing.origin)
    const browser = await openChromium()
    const page = await browser.newTab()
    for (const path of ['/', '/authorize', '/oauth-callback?code=x&state=y', '/healthcheck']) {
      const answer = await page.goto(`http://evil.example:${port}${path}`)
      expect([answer?.status(), await answer?.text()]).toEqual([
        421,
        `This is bitbucket-token on loopback; call it http://localhost:${port}/\n`,
      ])
    }
    for (const name of ['127.0.0.1', '[::1]', 'LOCALHOST']) {
      expect(await (await fetch(`http://${name}:${port}/healthcheck`)).text()).toBe('ok\n')
    }
    authorizing.kill('SIGINT')
    const run = await authorizing.ended
    expect(complaint(run).split('\n').slice(-3)).toMatchInlineSnapshot(`
      [
        "error: Stopped before anybody granted access.",
        "Run it again.",
        "exit 130",
      ]
    `)
    await expect(fetch(authorizing.origin)).rejects.toThrow()
  })

  test('reveals no more than it must', async ({ bitbucket }) => {
    const { origin, callback, kill, ended } = await startAuthorizing(bitbucket, { args: toFile })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
      for (const path of ['/', '/authorize', '/oauth-callback']) {
        expect((await fetch(`${origin}${path}`, { method })).status).toBe(405)
      }
    }
    expect((await fetch(`${origin}/nothing`)).status).toBe(404)
    expect((await fetch(`${origin}/result/1`)).status).toBe(404)
    const start = await fetch(`${origin}/`)
    // test/http/loopback-server.test.ts checks the other headers.
    expect(start.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    const sent = await fetch(`${origin}/authorize`, { redirect: 'manual' })
    const url = new URL(sent.headers.get('location') ?? '')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: expect.any(String),
      response_type: 'code',
      redirect_uri: callback,
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    // The browser requests it as an image in some web page.
    const image = await fetch(`${origin}/authorize`, {
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(image.headers.get('location')).toBe('/')
    kill('SIGINT')
    await ended
  })
})

describe('before it asks the user', () => {
  test.each([
    ['no destination', ['--no-browser'], 2, 'No destination was given for the token'],
    [
      'a destination that cannot be written',
      ['--output-file', 'no/such/directory/token'],
      4,
      'Cannot write to',
    ],
    ['a store that cannot be written', ['--save-refresh-token', 'file:no/such/token'], 4, 'Cannot write to'],
    ['an unknown kind of store', ['--save-refresh-token', 'safe'], 2, 'names an unknown kind of store'],
    [
      'a callback on another machine',
      ['--show-token', '--callback', 'https://example.com/x'],
      2,
      'cannot serve the address in --callback',
    ],
    [
      'a callback without a path',
      ['--show-token', '--callback', 'http://localhost:3000'],
      2,
      'cannot serve the address in --callback',
    ],
    [
      'a store for an access token',
      ['--implicit', '--save-refresh-token', 'gitlab-variable'],
      2,
      'the implicit grant returns no refresh token',
    ],
  ])('it rejects %s', async (_, args, status, message) => {
    const bitbucket = await startBitbucket()
    const run = await runShell({
      bitbucket,
      inputs: inputsFor.consumer(bitbucket),
      args: ['authorize', ...args],
    })
    expect([run.status, run.stderr, run.requests]).toEqual([status, expect.stringContaining(message), []])
  })

  test('it says which consumer to create if none was given', async ({ bitbucket }) => {
    const run = await runShell({ bitbucket, args: ['authorize', '--show-token'] })
    expect(complaint(run)).toMatchInlineSnapshot(`
      "error: Missing: BITBUCKET_CLIENT_ID, BITBUCKET_CLIENT_SECRET.
      Set the ID and secret of an OAuth client whose callback URL is http://localhost:3000/oauth-callback: Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers").
      exit 2"
    `)
  })

  test('it says what to do if the port is in use', async ({ bitbucket }) => {
    const { port } = new URL(await listening(createServer()))
    const run = await runShell({
      bitbucket,
      inputs: inputsFor.consumer(bitbucket),
      args: ['authorize', '--show-token', '--callback', `http://localhost:${port}/oauth-callback`],
    })
    expect(complaint(run).replaceAll(port, '<port>')).toMatchInlineSnapshot(`
      "error: Another program on this machine already uses port <port>.
      Stop that program, or change the port of the OAuth client’s callback URL and pass the new URL: --callback http://localhost:3001/oauth-callback.
      exit 2"
    `)
  })
})
