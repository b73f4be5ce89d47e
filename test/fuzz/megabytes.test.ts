import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { missingScopes, splitScopes, withImplied } from '../../src/bitbucket/scopes.ts'
import { requestToken } from '../../src/bitbucket/token-endpoint.ts'
import { parseCommandLine } from '../../src/command-line.ts'
import { gitCredential } from '../../src/commands/git-credential.ts'
import { clientCredentialsGrant } from '../../src/credentials/client-credentials.ts'
import { askBitbucket } from '../../src/credentials/verify.ts'
import { cutLines, quoteForLog } from '../../src/errors.ts'
import { addedToEnvironment } from '../../src/git/config-environment.ts'
import { credentialsFile } from '../../src/git/credentials-file.ts'
import { trackedFile } from '../../src/git/tracked.ts'
import { dotenv, jsonLine, netrc, powershell } from '../../src/hosts/formats.ts'
import { cleanUpInPost } from '../../src/hosts/github.ts'
import { detectHost, hostNames, openHost } from '../../src/hosts/index.ts'
import { shellScript } from '../../src/hosts/output-directory.ts'
import { shell } from '../../src/hosts/shell.ts'
import { readRetryAfter } from '../../src/http/retry.ts'
import {
  inputNames,
  parseInputs,
  rawInputsOfAction,
  rawInputsOfVariables,
  variableOf,
  withoutCredentials,
} from '../../src/inputs.ts'
import { withLock } from '../../src/lock.ts'
import { TextRedactor } from '../../src/redaction/text-redactor.ts'
import { encodedForms, Secret } from '../../src/secret.ts'
import { fileStore } from '../../src/stores/file.ts'
import { parseStorePlace } from '../../src/stores/place.ts'
import { tokenCache } from '../../src/stores/token-cache.ts'
import { trustedUsers } from '../../src/untrusted-file.ts'
import { fakeHttp } from '../support/fake-http.ts'
import { fakeRun } from '../support/fake-run.ts'
import { fakeWorld, startOfTime } from '../support/fake-world.ts'
import { outcomeOf } from './property.ts'

// Gives every parser of foreign text a megabyte that could make a regular expression backtrack. Measures processor time, so
// a busy machine does not look like a slow parser.

const place = mkdtempSync(join(tmpdir(), 'bitbucket-token-megabytes-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

const pieces = [
  ...'a \t\n"\'\\9-.:/%#$=,*_',
  '\r\n',
  ...['[', '{', '{"a":', '[1,', '%zz', '%41', '::', '##[', '##vso[', ': :', '\u2028', '\u{1f600}', '\ud83d'],
  ...['a ', ' a', 'a\n', '\n\n', 'a=b\n', '${{ ', 'Mon, ', ...'a= $A https:// @ a@ 1. ../ */'.split(' ')],
  ...['repository ', 'repository:write,', 'host=bitbucket.org\n', 'gitdir: ', '-----BEGIN', '\0', '\u0085'],
]

const base = new URL('https://bitbucket.org')
const client = { id: 'a-client', secret: new Secret('a-client-secret-0123456789') }
const accessToken = {
  kind: 'access-token',
  secret: new Secret('an-access-token'),
  authorization: new Secret('Bearer an-access-token'),
} as const
const asked = (http: ReturnType<typeof fakeHttp>) =>
  outcomeOf(() => requestToken(http.http, base, client, clientCredentialsGrant, new Secret('grant_type=x')))
const checked = (http: ReturnType<typeof fakeHttp>, repository?: string) =>
  outcomeOf(() => askBitbucket(accessToken, repository, http.http, base))
const path = (name: string, text: string) => {
  const file = join(place, name)
  writeFileSync(file, text)
  utimesSync(file, startOfTime / 1_000, startOfTime / 1_000)
  return file
}

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  async inputs(text) {
    for (const name of inputNames) {
      await outcomeOf(() =>
        parseInputs(
          rawInputsOfVariables({ [variableOf(name)]: text, BITBUCKET_SCOPES_COUNT: text }, new Map()),
        ),
      )
      await outcomeOf(() => parseInputs(rawInputsOfAction({ [`INPUT_${name.toUpperCase()}`]: text })))
    }
  },
  'command line': async (text) => {
    for (const args of [
      [text],
      ['print', text],
      [`--scopes=${text}`],
      [`--${text}`],
      ['print', '--format', text],
    ])
      await outcomeOf(() => parseCommandLine(args))
  },
  environment: (text) => [detectHost({ CI: text }), withoutCredentials({ [text]: text, A: text })],
  "a store's place": async (text) => {
    for (const start of [
      '',
      'file:',
      'command:',
      'github-secret:',
      'bitbucket-variable:',
      'gitlab-variable:',
    ])
      await outcomeOf(() => parseStorePlace(start + text, 'save-refresh-token'))
  },
  'token answer, raw': (text) => asked(fakeHttp({ status: 200, headers: {}, body: text })),
  'token answer, its fields': async (text) => {
    const fields = {
      access_token: text,
      token_type: text,
      expires_in: text,
      scope: text,
      refresh_token: text,
    }
    for (const body of [
      { ...fields, access_token: 'x' },
      { ...fields, token_type: 'bearer' },
    ])
      await asked(fakeHttp({ status: 200, headers: {}, body: JSON.stringify(body) }))
  },
  'refusal of the token endpoint': async (text) => {
    const refusal = JSON.stringify({ error: text, error_description: text })
    for (const body of [text, refusal]) await asked(fakeHttp({ status: 401, headers: {}, body }))
  },
  'REST answer': async (text) => {
    const error = { message: text, detail: { required: [text], granted: [text] } }
    const body = JSON.stringify({ type: text, display_name: text, error })
    const headers = {
      'x-oauth-scopes': text,
      'x-credential-type': text,
      'content-type': text,
      location: text,
    }
    for (const status of [200, 302, 401, 403, 404])
      for (const said of [body, text]) await checked(fakeHttp({ status, headers, body: said }), 'acme/web')
  },
  'Retry-After': (text) => [readRetryAfter(text, 0), readRetryAfter(`Mon${text}`, 0)],
  scopes: (text) => {
    const scopes = splitScopes(text)
    return [withImplied(scopes), missingScopes(scopes.slice(0, 100), scopes)]
  },
  'log messages': (text) => cutLines(quoteForLog(text)) + cutLines(text),
  'the redactor': (text) => {
    const redactor = new TextRedactor()
    for (const form of encodedForms(new Secret(text), ['user'])) redactor.add(form)
    redactor.add(new Secret('a-short-secret'))
    return redactor.clean(`before ${text} after`)
  },
  'credentials file': (text) =>
    credentialsFile(base, { gitUsername: 'x', secret: new Secret(text.toWellFormed()) }),
  'formats of print': (text) => {
    const variables = new Map([['A', text]])
    const entry = { machine: 'bitbucket.org', login: 'x', password: new Secret(text) }
    const written = [
      () => shellScript(variables, [['a', text]]),
      () => powershell(variables, [['a', text]]),
      () => dotenv(variables),
      () => netrc([entry]),
      () => jsonLine({ a: text }),
    ]
    return Promise.all(written.map((write) => outcomeOf(write)))
  },
  'the log of each host': async (text) => {
    for (const name of hostNames) {
      const world = fakeWorld({ cwd: place })
      const { log } = await openHost(name, world, { outputDir: join(place, 'out'), debug: true })
      // There are sixty logs, and they share the time.
      for (const say of [log.info, log.warning, log.error, log.debug]) say(text.slice(0, text.length / 16))
    }
  },
  "git's own variables": (text) => addedToEnvironment([['a', text]], { GIT_CONFIG_COUNT: text }),
  "git's request to its helper": (text) => {
    const env = { BITBUCKET_ACCESS_TOKEN: 'an-access-token-0123' }
    const world = fakeWorld({ env, cwd: place })
    const run = fakeRun(world, rawInputsOfVariables(env, new Map()), shell(world, undefined, false))
    return outcomeOf(() => gitCredential(run, 'get', text))
  },
  'the state of post': (text) =>
    cleanUpInPost(
      fakeWorld({
        env: {
          RUNNER_TEMP: place,
          STATE_bitbucket_token_main: 'started',
          STATE_bitbucket_token_directory: text,
        },
      }),
    ),
  'the .git file of a worktree': (text) => {
    const clone = join(place, 'clone')
    mkdirSync(clone, { recursive: true })
    writeFileSync(join(clone, '.git'), `gitdir: ${text}`)
    return trackedFile(join(clone, '.bitbucket-token'), trustedUsers(), () => {})
  },
  "git's index": (text) => {
    const clone = join(place, 'indexed')
    mkdirSync(join(clone, '.git'), { recursive: true })
    for (const version of [2, 4]) {
      writeFileSync(
        join(clone, '.git/index'),
        `DIRC\0\0\0${String.fromCharCode(version)}\0\x0f\xff\xff${text}`,
      )
      trackedFile(join(clone, '.bitbucket-token'), trustedUsers(), () => {})
    }
  },
  'lock file': (text) => {
    const world = fakeWorld({ now: () => startOfTime + world.elapsed() })
    // Shorter, because the lock file is read again and again until its holder counts as dead.
    const beginning = text.slice(0, text.length / 32)
    return withLock(path('lock', beginning), world, 30_000, async () => 'done')
  },
  'a stored refresh token': (text) => {
    const world = fakeWorld()
    path('token.access', text)
    const options = { path: path('token', text), identity: ['a'], world, timeout: 1_000 }
    return outcomeOf(() => fileStore(options).load())
  },
  'token cache file': async (text) => {
    const directory = join(place, 'cache')
    const world = fakeWorld()
    const cache = tokenCache({ directories: [directory], identity: ['a'], world, timeout: 1_000 })
    const token = { token: new Secret('fresh'), expiresAt: startOfTime + 7e6, lifetime: 7_200_000 }
    const renew = async () => ({ ...token, refreshToken: undefined })
    rmSync(directory, { recursive: true, force: true })
    await cache.get(renew)
    writeFileSync(join(directory, 'x'), text)
    await cache.get(renew)
  },
}

/** The most processor time in milliseconds for a megabyte. A parser that needs more reads the text again and again. */
const mostForMegabyte = 4_000
const megabyte = 1_048_576

/** `npm test fuzz` tries all pieces. `npm test` tries some for each reader, and one that has been too slow before. */
const isFull = Number(process.env['FUZZ_RUNS'] ?? 0) > 1_000
const piecesFor = (reader: number): string[] =>
  isFull ? pieces : pieces.filter((piece, index) => index % 9 === reader % 9 || piece === '\n')

const table: { reader: string; 'slowest ms': number; with: string }[] = []
afterAll(() => console.table(table))

Object.entries(readers).forEach(([name, read], reader) => {
  test(`${name}: reads a megabyte in bounded time`, { timeout: 300_000 }, async () => {
    let slowest = { milliseconds: 0, piece: '' }
    for (const piece of piecesFor(reader)) {
      // Quadratic time would already fail for the first size, before it needs minutes for the second.
      for (const size of [megabyte / 64, megabyte]) {
        const text = piece.repeat(size / piece.length)
        const before = process.cpuUsage()
        await read(text)
        const { user, system } = process.cpuUsage(before)
        const milliseconds = (user + system) / 1_000
        expect(milliseconds, `${JSON.stringify(piece)}, ${size} bytes`).toBeLessThan(
          Math.max(2_000, (mostForMegabyte * size) / megabyte),
        )
        if (milliseconds > slowest.milliseconds) slowest = { milliseconds, piece }
      }
    }
    const { milliseconds, piece } = slowest
    table.push({ reader: name, 'slowest ms': Math.round(milliseconds), with: JSON.stringify(piece) })
  })
})

test('all readers together use bounded memory', () => {
  // All tests above run in this process. Its libraries use a fifth of the limit, and garbage that was not collected yet counts.
  expect(process.resourceUsage().maxRSS * 1_024).toBeLessThan(1_500 * megabyte)
})
