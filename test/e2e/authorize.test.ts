import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type Authorizing, expectDone, saidBy, startAuthorizing } from './support/authorizing.ts'
import { type Bitbucket, startBitbucket } from './support/bitbucket.ts'
import { type Browser, openChromium } from './support/chromium.ts'
import { repeats } from './support/faults.ts'
import { pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { runShell } from './support/shell.ts'
import { complaint, requestsOf } from './support/transcript.ts'

const toFile = ['--no-browser', '--output-file', 'refresh-token']

/** From the start to Bitbucket's page. */
async function goToConsent(browser: Browser, { origin }: Authorizing): Promise<Page> {
  const page = await browser.newTab()
  await page.goto(origin)
  await page.getByRole('link', { name: /^Continue to / }).click()
  await page.getByRole('heading', { name: 'Confirm access to your account' }).waitFor()
  return page
}

/** The same without a browser, and on to where Bitbucket would send it back. */
async function consentTo({ origin }: Authorizing): Promise<string> {
  const begun = await fetch(`${origin}/authorize`, { redirect: 'manual' })
  const granted = await fetch(begun.headers.get('location') ?? '', {
    method: 'POST',
    body: new URLSearchParams({ decision: 'grant' }),
    redirect: 'manual',
  })
  return granted.headers.get('location') ?? ''
}

/** A person at Bitbucket's page, sent there by a program that waits for them. */
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
  // The state is on Bitbucket's own page, which is asked with it; here no address has anything behind its path.
  expect(shown).not.toMatch(/[?&#](code|access_token)=/)
  expect(shown).not.toMatch(/http:\/\/localhost:\d+\/[^\s]*[?#]/)
}

/** The token in a file that only its owner may read. */
function tokenIn(cwd: string, name = 'refresh-token'): string {
  expect((statSync(join(cwd, name)).mode & 0o777).toString(8)).toBe('600')
  return readFileSync(join(cwd, name), 'utf8')
}

const tokenRequests = ({ requests }: Bitbucket): number =>
  requests.filter(({ path }) => path === '/site/oauth2/access_token').length

describe('a person grants access', () => {
  test('the refresh token is in a file, and nowhere else', { tags: ['chromium'] }, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent()
    await grant(page)

    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    expect(await page.title()).toBe('Access was granted – bitbucket-token')
    expect(page.url()).toBe(`${authorizing.origin}/result/1`)
    const text = await page.locator('main').innerText()
    expect(text).toContain('Sandbox User')
    expect(text).toContain('repository:write')
    expect(text).toMatch(/Access token\s+came along; ends in 2 hours \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)/)
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
      Open <origin>/ in a browser. Ctrl-C ends this.
      From another machine, forward the port first: ssh -L <port>:localhost:<port> THIS-MACHINE
      Access was granted. Account Sandbox User; scopes account, repository, repository:write, pullrequest. The refresh token went to the file <work>/refresh-token.
      "
    `)
  })

  test('the store has it, and the next job takes it from there', { tags: ['chromium'] }, async () => {
    const bitbucket = await startBitbucket()
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
    // It shares the access token that came along, for that is less than 72 seconds old.
    expect([job.status, bitbucket.requests.length, tokenIn(run.cwd)]).toEqual([0, asked, first])
  })

  test('it is shown where that was asked for, on stdout and not in the page', {
    tags: ['chromium'],
  }, async () => {
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

  test('an account that the scopes do not show is said to be not shown', { tags: ['chromium'] }, async () => {
    const { authorizing, page } = await atConsent({ args: toFile }, { scopes: ['repository'] })
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    expect(await page.locator('main').innerText()).toContain('not shown: reading it needs the scope account')
    expectDone(await authorizing.ended)
  })

  test('in the second of two tabs; the first finds nobody any more', { tags: ['chromium'] }, async () => {
    const bitbucket = await startBitbucket()
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
  })

  /** A launcher in place of the machine's, which writes down how it was called. */
  async function withLauncher(
    env: Record<string, string> = {},
  ): Promise<Authorizing & { said: () => string }> {
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
    const said = () => (existsSync(`${launcher}.said`) ? readFileSync(`${launcher}.said`, 'utf8') : '')
    return { ...authorizing, said }
  }

  test('with the browser that this machine has, which gets no credential', {
    tags: ['chromium'],
  }, async () => {
    const { said, origin } = await withLauncher()
    expect(said().split('\n')[0]).toBe(`${origin}/`)
    expect(said()).toContain('BITBUCKET_URL=')
    expect(said()).not.toContain('BITBUCKET_CLIENT_SECRET')
  })

  test('over SSH, where none is opened', { tags: ['chromium'] }, async () => {
    const { said, ended } = await withLauncher({ SSH_CONNECTION: '192.0.2.1 50000 192.0.2.2 22' })
    expect(said()).toBe('')
    expect((await ended).stderr).toMatch(/forward the port first: ssh -L (\d+):localhost:\1 /)
  })
})

test('a store that fails does not cost the file that was named too', async () => {
  const bitbucket = await startBitbucket()
  const authorizing = await startAuthorizing(bitbucket, {
    inputs: { 'save-refresh-token': 'command:exit 7', retries: '0' },
    args: toFile,
  })
  await (await fetch(await consentTo(authorizing))).text()
  const run = await authorizing.ended
  expect([run.status, run.stderr]).toEqual([4, expect.stringContaining('it ended with status 7')])
  expect(run.stderr).toContain(`The refresh token went to the file ${join(run.cwd, 'refresh-token')}.`)
  expect(bitbucket.isLive(tokenIn(run.cwd))).toBe(true)
})

test('of two places that fail both are told', async () => {
  const bitbucket = await startBitbucket()
  const tree = makeTree()
  const authorizing = await startAuthorizing(bitbucket, {
    tree,
    inputs: { 'save-refresh-token': 'command:exit 7', retries: '0' },
    args: toFile,
  })
  const back = await consentTo(authorizing)
  // Somebody makes a directory there while the person is at Bitbucket.
  mkdirSync(join(tree, 'work/refresh-token'))
  await (await fetch(back)).text()
  const run = await authorizing.ended
  expect([run.status, run.stderr]).toEqual([4, expect.stringContaining('it ended with status 7')])
  expect(run.stderr).toMatch(/error: .*refresh-token could not be written/)
})

describe('a person does not', () => {
  test('who cancels is told so, and may begin again', { tags: ['chromium'] }, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent()
    await cancel(page)
    await page.getByRole('heading', { name: 'Access was not granted' }).waitFor()
    expect(await page.locator('q').innerText()).toBe('access_denied: The resource owner denied the request')
    await expectClean(browser, bitbucket)
    expect(tokenRequests(bitbucket)).toBe(0)
    await page.getByRole('link', { name: 'Begin again' }).click()
    await page.getByRole('link', { name: /^Continue to / }).click()
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted' }).waitFor()
    const run = await authorizing.ended
    expectDone(run)
    expect(run.stderr).toContain('warning: Access was not granted. The page in the browser says more.')
  })

  test('a callback that nobody asked for, or that comes again, brings nothing', {
    tags: ['chromium'],
  }, async () => {
    const bitbucket = await startBitbucket()
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const { callback, origin, kill, ended } = authorizing
    const browser = await openChromium()
    const page = await browser.newTab()
    await page.goto(`${callback}?code=stolen&state=guessed`)
    expect(await heading(page)).toBe('Nobody here asked for this answer')
    await page.goto(`${callback}?code=stolen`)
    expect(await heading(page)).toBe('This is no answer of Bitbucket’s')

    const answers: string[] = []
    page.on('request', (asked) => {
      if (asked.url().startsWith(callback)) answers.push(asked.url())
    })
    await page.goto(`${origin}/authorize`)
    await cancel(page)
    await page.getByRole('heading', { name: 'Access was not granted' }).waitFor()
    const [answer = ''] = answers
    // With a code in it, as if it had been granted after all.
    await page.goto(answer.replace(/error=[^&]*&error_description=[^&]*/, 'code=stolen'))
    expect(await heading(page)).toBe('This answer was used before')
    expect(tokenRequests(bitbucket)).toBe(0)
    kill('SIGINT')
    const run = await ended
    expect(run.status).toBe(130)
    expect(run.stderr).not.toContain('stolen')
  })

  test.each<[string, (back: URL) => void, string]>([
    [
      'from another issuer',
      (back) => back.searchParams.set('iss', 'https://evil.example'),
      'This answer comes from another server',
    ],
    [
      'with two codes',
      (back) => back.searchParams.append('code', 'stolen'),
      'This answer says something twice',
    ],
    [
      'with two states',
      (back) => back.searchParams.append('state', 'guessed'),
      'This answer says something twice',
    ],
    [
      'with a code and an error',
      (back) => back.searchParams.set('error', 'access_denied'),
      'This answer contradicts itself',
    ],
    [
      'with a code and a token',
      (back) => back.searchParams.set('access_token', 'stolen'),
      'This answer belongs to another grant',
    ],
  ])('an answer %s is refused, spends nothing, and the right one still works', async (_, change, title) => {
    const bitbucket = await startBitbucket()
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const right = await consentTo(authorizing)
    const wrong = new URL(right)
    change(wrong)
    const page = await (await fetch(wrong)).text()
    expect(page).toContain(`<h1>${title}</h1>`)
    expect(page).not.toContain('stolen')
    expect(secretsIn(page, bitbucket.secrets)).toEqual([])
    expect(tokenRequests(bitbucket)).toBe(0)
    await fetch(right)
    const run = await authorizing.ended
    expectDone(run)
    expect(run.stderr).toContain(`warning: ${title}. The page in the browser says more.`)
  })

  test('who has, but stops the program before it has the token, is not told otherwise', async () => {
    const bitbucket = await startBitbucket()
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const back = await consentTo(authorizing)
    const asked = new Promise<void>((resolve) => {
      bitbucket.script(() => resolve())
    })
    const answer = fetch(back).catch(() => {})
    await asked
    authorizing.kill('SIGINT')
    expect(complaint(await authorizing.ended)).toContain('Stopped before the token was where it belongs.')
    await answer
  })

  test('and a server that repeats what it was sent is not repeated, in the page neither', async () => {
    const bitbucket = await startBitbucket()
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const back = await consentTo(authorizing)
    bitbucket.script(repeats)
    const page = await (await fetch(back)).text()
    expect(page).toContain('What is Basic ***?')
    expect(secretsIn(page, bitbucket.secrets)).toEqual([])
    expect((await authorizing.ended).stderr).toContain('What is Basic ***?')
  })

  test('a consumer with another callback URL stays at Bitbucket', { tags: ['chromium'] }, async () => {
    const bitbucket = await startBitbucket()
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

  test('a wrong client secret is explained in the page and in the terminal', {
    tags: ['chromium'],
  }, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({
      args: toFile,
      inputs: { 'client-secret': 'wrong-secret-0123456789' },
    })
    await grant(page)
    await page.getByRole('heading', { name: 'Access was granted, but that is not all' }).waitFor()
    expect(await page.locator('main').innerText()).toContain('Invalid OAuth client credentials')
    await expectClean(browser, bitbucket)
    const run = await authorizing.ended
    expect(run.status).toBe(3)
    expect(run.stderr).toContain('Bitbucket refused the authorization code or its client (status 400')
  })
})

test('nobody comes for ten minutes, so it ends and says so', async () => {
  const bitbucket = await startBitbucket()
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
      "Run it again, and press the button on Bitbucket’s page in time.",
      "exit 1",
    ]
  `)
})

describe('the implicit grant', () => {
  const implicit = ['--no-browser', '--implicit', '--output-file', 'access-token']

  test('takes the token out of the address, and writes it where it was asked to', {
    tags: ['chromium'],
  }, async () => {
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

  test('explains a refusal, which comes behind the # too', { tags: ['chromium'] }, async () => {
    const { bitbucket, authorizing, browser, page } = await atConsent({ args: implicit })
    await cancel(page)
    await page.getByRole('heading', { name: 'Access was not granted' }).waitFor()
    await expectClean(browser, bitbucket)
    authorizing.kill('SIGINT')
    expect((await authorizing.ended).status).toBe(130)
  })

  test('refuses a token in the query, where servers and logs see it', { tags: ['chromium'] }, async () => {
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

  test('takes nothing from another page', async () => {
    const bitbucket = await startBitbucket()
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
  test('tells of few answers that bring nothing, and counts the others', async () => {
    const bitbucket = await startBitbucket()
    const authorizing = await startAuthorizing(bitbucket, { args: toFile })
    const forged = async (number: number) => {
      const { status } = await fetch(`${authorizing.callback}?code=c&state=${number}`, { redirect: 'manual' })
      expect(status).toBe(303)
    }
    for (let round = 0; round < 50; round++)
      await Promise.all(Array.from({ length: 10 }, (_, index) => forged(10 * round + index)))
    const { stderr } = await stop(authorizing)
    expect(stderr.split('\n').length).toBeLessThan(20)
    expect(stderr).toContain('From now on, answers that bring nothing are only counted.')
    expect(stderr).toContain('492 more answers brought nothing.')
  })

  test('is for this machine, under names of this machine', { tags: ['chromium'] }, async () => {
    const bitbucket = await startBitbucket()
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
    for (const host of [`localhost.evil.example:${port}`, 'localhost:1', `localhost@evil.example:${port}`]) {
      expect(await statusWith(Number(port), host)).toBe(421)
    }
    for (const name of ['127.0.0.1', '[::1]', 'LOCALHOST']) {
      expect(await (await fetch(`http://${name}:${port}/healthcheck`)).text()).toBe('ok\n')
    }
    authorizing.kill('SIGINT')
    const run = await authorizing.ended
    expect(complaint(run).split('\n').slice(-3)).toMatchInlineSnapshot(`
      [
        "error: Stopped before anybody has granted access.",
        "Run it again.",
        "exit 130",
      ]
    `)
    await expect(fetch(authorizing.origin)).rejects.toThrow()
  })

  test('says no more than it must', async () => {
    const bitbucket = await startBitbucket()
    const { origin, callback, kill, ended } = await startAuthorizing(bitbucket, { args: toFile })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
      for (const path of ['/', '/authorize', '/oauth-callback']) {
        expect((await fetch(`${origin}${path}`, { method })).status).toBe(405)
      }
    }
    expect((await fetch(`${origin}/nothing`)).status).toBe(404)
    expect((await fetch(`${origin}/result/1`)).status).toBe(404)
    const start = await fetch(`${origin}/`)
    const headers = Object.fromEntries(start.headers)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      ),
    })
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
    // A picture in some page on the web.
    const image = await fetch(`${origin}/authorize`, {
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(image.headers.get('location')).toBe('/')
    kill('SIGINT')
    await ended
  })
})

describe('before anybody is asked', () => {
  const consumer = ({ credentials }: Bitbucket) => ({
    'client-id': credentials.clientId,
    'client-secret': credentials.clientSecret,
  })

  test.each([
    ['no place for the token', ['--no-browser'], 2, 'Nothing says where the token is to go'],
    ['a place that cannot be written', ['--output-file', 'no/such/directory/token'], 4, 'cannot be written'],
    [
      'a store that cannot be written',
      ['--save-refresh-token', 'file:no/such/token'],
      4,
      'cannot be written',
    ],
    ['a store of no kind', ['--save-refresh-token', 'safe'], 2, 'names no kind of store'],
    [
      'a callback elsewhere',
      ['--show-token', '--callback', 'https://example.com/x'],
      2,
      'no address that this program',
    ],
    [
      'a callback of no path',
      ['--show-token', '--callback', 'http://localhost:3000'],
      2,
      'no address that this program',
    ],
    [
      'a store for an access token',
      ['--implicit', '--save-refresh-token', 'gitlab-variable'],
      2,
      'the implicit grant brings no refresh token',
    ],
  ])('%s is an error', async (_, args, status, message) => {
    const bitbucket = await startBitbucket()
    const run = await runShell({ bitbucket, inputs: consumer(bitbucket), args: ['authorize', ...args] })
    expect([run.status, run.stderr, run.requests]).toEqual([status, expect.stringContaining(message), []])
  })

  test('no consumer is an error that says which to make', async () => {
    const bitbucket = await startBitbucket()
    const run = await runShell({ bitbucket, args: ['authorize', '--show-token'] })
    expect(complaint(run)).toMatchInlineSnapshot(`
      "error: Missing: BITBUCKET_CLIENT_ID, BITBUCKET_CLIENT_SECRET.
      Give ID and secret of an OAuth client whose callback URL is http://localhost:3000/oauth-callback: Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers").
      exit 2"
    `)
  })

  test('a port that is taken is an error that says what to do', async () => {
    const bitbucket = await startBitbucket()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const run = await runShell({
      bitbucket,
      inputs: consumer(bitbucket),
      args: ['authorize', '--show-token', '--callback', `http://localhost:${port}/oauth-callback`],
    })
    other.close()
    expect(complaint(run).replaceAll(String(port), '<port>')).toMatchInlineSnapshot(`
      "error: Port <port> is taken by another program on this machine.
      End that program; or give the consumer a callback URL with another port, and say so: --callback http://localhost:3001/oauth-callback.
      exit 2"
    `)
  })
})

function statusWith(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })
}
