import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect } from 'vitest'
import { gitCredential } from '../../src/commands/git-credential.ts'
import { credentialsFile } from '../../src/git/credentials-file.ts'
import { trackedFile } from '../../src/git/tracked.ts'
import { cleanUpInPost, github } from '../../src/hosts/github.ts'
import { shellScript } from '../../src/hosts/output-directory.ts'
import { shell } from '../../src/hosts/shell.ts'
import { rawInputsOfVariables } from '../../src/inputs.ts'
import { withLock } from '../../src/lock.ts'
import { readValue } from '../../src/read-value.ts'
import { Secret } from '../../src/secret.ts'
import { tokenCache } from '../../src/stores/token-cache.ts'
import { trustedUsers } from '../../src/untrusted-file.ts'
import { anyValue } from '../hosts/values.ts'
import { fakeRun } from '../support/fake-run.ts'
import { fakeWorld, startOfTime } from '../support/fake-world.ts'
import { decodeFile, isCommand, linesOf } from '../support/runner-files.ts'
import { anyJson, anySecret, anyText, property } from './property.ts'

// Files that the program writes for other programs, and files that others may have written.

const place = mkdtempSync(join(tmpdir(), 'bitbucket-token-fuzz-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

property('credentials file', fc.tuple(anySecret, anyText), ([secret, odd]) => {
  for (const value of [secret, odd.toWellFormed()]) {
    const credential = { gitUsername: 'x-token-auth', secret: new Secret(value) }
    const text = credentialsFile(new URL('https://bitbucket.org:8443'), credential).reveal()
    const [, user, password, host] = /^https:\/\/([^:@/]+):([^:@/\s]*)@([^:@/\s]+)\n$/.exec(text) ?? []
    expect([user, decodeURIComponent(password ?? '?'), decodeURIComponent(host ?? '')]).toEqual([
      'x-token-auth',
      value,
      'bitbucket.org:8443',
    ])
  }
})

property(
  'env.sh, sourced by sh, twenty values at once',
  fc.array(anyValue, { minLength: 20, maxLength: 20 }),
  (values) => {
    const names = values.map((_, index) => `V${index}`)
    const file = join(place, 'env.sh')
    writeFileSync(file, shellScript(new Map(names.map((name, i) => [name, values[i] ?? ''])), []).reveal())
    const script = `. "$1"; printf '%s\\000' ${names.map((name) => `"$${name}"`).join(' ')}`
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', file], { encoding: 'utf8' })
    expect([stdout.split('\0').slice(0, -1), stderr]).toEqual([values, ''])
  },
  // This character was once mistaken for the separator between the values.
  { cost: 20, examples: [[['\u001e', ...Array.from({ length: 19 }, () => '')]]] },
)

property('workflow commands', fc.tuple(anyText, anyValue), (texts) => {
  for (const text of texts) {
    const world = fakeWorld()
    const { log, mask } = github(world, true)
    log.info(text)
    log.debug(text)
    expect(linesOf(world.out()).filter(isCommand)).toEqual([])
    const before = world.written.length
    log.error(text)
    log.warning(text)
    mask(new Secret(text))
    const commands = world.written.slice(before).map((piece) => piece.text)
    expect(commands.flatMap((command) => command.match(/[\r\n]+/g) ?? [])).toEqual(['\n', '\n', '\n'])
  }
})

property(
  'GITHUB_ENV and GITHUB_OUTPUT',
  fc.tuple(anyValue, anyValue, anyText),
  ([first, second, count]) => {
    const files = { GITHUB_ENV: join(place, 'env'), GITHUB_OUTPUT: join(place, 'output') }
    for (const file of Object.values(files)) writeFileSync(file, '')
    const env = { ...files, RUNNER_TEMP: place, GIT_CONFIG_COUNT: count }
    const variables = new Map<string, string | Secret>().set('A', first).set('B', new Secret(second))
    github(fakeWorld({ env }), false).handOver({
      variables,
      outputs: variables,
      gitConfig: [['section.k', second]],
    })
    const pairs = [
      ['A', first],
      ['B', second],
    ]
    expect(decodeFile(readFileSync(files.GITHUB_OUTPUT, 'utf8'))).toEqual(pairs)
    const exported = decodeFile(readFileSync(files.GITHUB_ENV, 'utf8'))
    expect(exported.slice(0, 2)).toEqual(pairs)
    // A count without entries is dropped, whatever it is.
    expect(exported.slice(2)).toEqual([
      ['GIT_CONFIG_KEY_0', 'include.path'],
      ['GIT_CONFIG_VALUE_0', join(place, 'bitbucket-token-git/config')],
      ['GIT_CONFIG_COUNT', '1'],
    ])
  },
  { cost: 5 },
)

const temp = join(place, 'temp')
const piece = fc.constantFrom(
  '..',
  '.',
  '',
  'bitbucket-token-',
  'bitbucket-token-1',
  'other',
  'kept',
  '\n',
  ' ',
  '\0',
)
property(
  'STATE_bitbucket_token_directory of post: removes only our own files',
  fc.tuple(fc.constantFrom(temp, '', '.', '/'), fc.array(fc.oneof(piece, anyText), { maxLength: 6 })),
  ([start, pieces]) => {
    const kept = [join(temp, 'other', 'kept'), join(place, 'bitbucket-token-outside', 'kept')]
    for (const file of kept) {
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, '')
    }
    const env = {
      RUNNER_TEMP: temp,
      STATE_bitbucket_token_main: 'started',
      STATE_bitbucket_token_directory: [start, ...pieces].join('/'),
    }
    const world = fakeWorld({ env, cwd: temp })
    expect(cleanUpInPost(world)).toBe(0)
    expect(kept.map((file) => existsSync(file))).toEqual([true, true])
    expect(linesOf(world.out()).filter((line) => isCommand(line) && !line.startsWith('::warning '))).toEqual(
      [],
    )
  },
  { cost: 5 },
)

const attribute = fc.oneof(
  fc.constantFrom(
    'protocol=https',
    'host=bitbucket.org',
    'host=evil.example',
    'host=bitbucket.org\0',
    'path=a',
  ),
  fc.constantFrom(
    'protocol=http',
    'wwwauth[]=Basic',
    '',
    'password=',
    '__proto__=x',
    'host=bitbucket.org:443',
  ),
  anyText,
)
/** Tells whether the program takes the text as an access token. It refuses placeholders, quotes, spaces and web addresses. */
const isAccepted = (text: string) => {
  try {
    return readValue(text, 'The token', { secret: true, inHeader: true }) === text
  } catch {
    return false
  }
}
property(
  'git-credential: answers only for our host',
  fc.tuple(fc.array(attribute), fc.constantFrom('get', 'erase'), anySecret.filter(isAccepted)),
  async ([attributes, operation, token]) => {
    const env = { BITBUCKET_ACCESS_TOKEN: token }
    const world = fakeWorld({ env, cwd: place })
    const run = fakeRun(world, rawInputsOfVariables(env, new Map()), shell(world, undefined, false))
    await gitCredential(run, operation, `${attributes.join('\n')}\n`)
    // git, too, takes a line that ends in CRLF (strbuf_getline).
    const all = attributes.join('\n').split(/\r?\n/)
    const own = all.slice(0, all.includes('') ? all.indexOf('') : all.length)
    const isForUs =
      operation === 'get' &&
      /^host=bitbucket\.org(:443)?$/.test(own.findLast((line) => line.startsWith('host=')) ?? '') &&
      own.findLast((line) => line.startsWith('protocol=')) === 'protocol=https'
    expect(world.out()).toBe(isForUs ? `username=x-token-auth\npassword=${token}\n` : '')
  },
)

const cacheFile = anyJson({
  token: fc.oneof(anyText, fc.constantFrom('cached-token', '', 'a\nb')),
  expiresAt: fc.oneof(fc.double(), fc.constantFrom(startOfTime + 7e6, 1e300, null)),
  lifetime: fc.oneof(fc.double(), fc.constantFrom(7_200_000, -1)),
  refreshToken: fc.oneof(anyText, fc.constant(7)),
})
const cacheDirectory = join(place, 'cache')
property(
  'token cache file',
  cacheFile,
  async (text) => {
    const world = fakeWorld()
    const cache = tokenCache({ directories: [cacheDirectory], identity: ['a'], world, timeout: 1_000 })
    const fresh = { token: new Secret('fresh'), expiresAt: startOfTime + 7e6, lifetime: 7_200_000 }
    const renew = async () => ({ ...fresh, refreshToken: undefined })
    rmSync(cacheDirectory, { recursive: true, force: true })
    await cache.get(renew)
    const [name = ''] = readdirSync(cacheDirectory)
    writeFileSync(join(cacheDirectory, name), text)
    const got = await cache.get(renew)
    // The token is one line in git's protocol.
    expect(got.token.reveal()).toMatch(/^[\x21-\x7e]+$/)
    expect(Number.isSafeInteger(Math.floor(got.expiresAt))).toBe(true)
    expect(readdirSync(cacheDirectory)).toEqual([name])
  },
  { cost: 10, examples: [['{"token":"","expiresAt":1795262200000,"lifetime":7200000}']] },
)

const lockFile = anyJson({
  id: fc.oneof(anyText, fc.integer()),
  pid: fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1.5, '1', null, process.pid, 2 ** 31)),
  place: anyText,
})
property(
  'lock file: becomes free in the end, whatever it contains',
  lockFile,
  async (text) => {
    const path = join(place, 'lock')
    writeFileSync(path, text)
    utimesSync(path, startOfTime / 1_000, startOfTime / 1_000)
    const world = fakeWorld({ now: () => startOfTime + world.elapsed() })
    expect(await withLock(path, world, 30_000, async () => 'done')).toBe('done')
    expect(existsSync(path)).toBe(false)
  },
  { cost: 50, examples: [['null'], ['{"id":"a","pid":0,"place":""}']] },
)

const clone = join(place, 'clone')
const pointer = fc
  .tuple(
    fc.constantFrom('gitdir: ', 'gitdir:', '', 'x\ngitdir: '),
    fc.oneof(piece, anyText),
    fc.oneof(piece, anyText),
  )
  .filter(([, to, common]) => [to, common].every((part) => !/[/\\]|\.\./.test(part)))
property(
  'the .git file of a worktree',
  pointer,
  ([prefix, to, common]) => {
    rmSync(clone, { recursive: true, force: true })
    mkdirSync(clone)
    writeFileSync(join(clone, '.git'), `${prefix}${to}`)
    const directory = join(clone, to.replace(/\0|\n/g, '') || 'x')
    if (to !== '.git' && directory !== clone && !existsSync(directory)) {
      try {
        mkdirSync(directory)
        writeFileSync(join(directory, 'commondir'), common)
      } catch {
        // The name is not valid for a directory.
      }
    }
    const errors: unknown[] = []
    const onError = (_: string, error: unknown) => errors.push(error)
    expect(trackedFile(join(clone, '.bitbucket-token'), trustedUsers(), onError)).toBeUndefined()
    for (const error of errors) expect(error).toBeInstanceOf(Error)
  },
  { cost: 10 },
)
