import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test as plainTest } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { errorOf, open, tokens, untilDone } from './support/open.ts'

const test = plainTest.extend('cwd', () => temporaryDirectory())

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('the file holds only the token, and only its owner can read it, whatever the umask', async ({ cwd }) => {
  const before = process.umask(0)
  const store = await open('file:token', { cwd })
  await store.check()
  expect(await store.load()).toBeUndefined()
  await store.save(tokens('first+/='), untilDone)
  process.umask(before)
  expect(readFileSync(join(cwd, 'token'), 'utf8')).toBe('first+/=')
  expect(readdirSync(cwd).map((name) => [name, mode(join(cwd, name))])).toEqual([
    ['token', '600'],
    ['token.access', '600'],
  ])
})

test('loads what it saved, and the access token only for the same consumer', async ({ cwd }) => {
  const store = await open('file:token', { cwd })
  const saved = tokens('newest', 'access')
  await store.save(saved, untilDone)
  const loaded = await store.load()
  expect(loaded?.refreshToken?.reveal()).toBe('newest')
  expect(loaded?.access?.token.reveal()).toBe('access')
  expect(loaded?.access).toMatchObject({ expiresAt: saved.access.expiresAt, scopes: ['pipeline'] })

  const other = await open('file:token', { cwd, clientId: 'another-client' })
  expect((await other.load())?.access).toBeUndefined()
  // Another account's token is written there.
  writeFileSync(join(cwd, 'token'), 'of-another-account')
  expect(await store.load()).toMatchObject({ access: undefined })
  expect(readFileSync(join(cwd, 'token.access'), 'utf8')).not.toContain('newest')
})

test('reads a token that a person wrote with a line end', async ({ cwd }) => {
  writeFileSync(join(cwd, 'token'), 'by-hand\r\n')
  expect((await (await open('file:token', { cwd })).load())?.refreshToken?.reveal()).toBe('by-hand')
  writeFileSync(join(cwd, 'token'), ' \n')
  expect(await (await open('file:token', { cwd })).load()).toBeUndefined()
  writeFileSync(join(cwd, 'token'), 'two\nlines')
  expect(await errorOf((await open('file:token', { cwd })).load())).toMatchObject({
    code: 'store-unwritable',
    message: `${join(cwd, 'token')} contains something that is not a refresh token.`,
    nextStep: expect.stringMatching(/^Delete the file, or write only the newest/),
  })
})

test('fails if the file cannot be read, instead of treating it as missing', async ({ cwd }) => {
  mkdirSync(join(cwd, 'token'))
  const { code, message, nextStep } = await errorOf((await open('file:token', { cwd })).load())
  expect(code).toBe('store-unwritable')
  expect(message).toMatch(/Could not read .*token: it is not a regular file/)
  expect(nextStep).toBe('Use a file that belongs to this user and that this user can read.')
})

test.each(['{', '{}', 'null', '{"cameWith":1}'])(
  'a broken %s in the .access file costs only one more refresh',
  async (text) => {
    const cwd = temporaryDirectory()
    const store = await open('file:token', { cwd })
    await store.save(tokens('refresh'), untilDone)
    writeFileSync(join(cwd, 'token.access'), text)
    expect(await store.load()).toMatchObject({ access: undefined })
  },
)

test.each([
  ['a token that is not text', { accessToken: 1 }, undefined],
  ['a token of two words', { accessToken: 'two words' }, undefined],
  ['no lifetime', { expiresIn: undefined }, undefined],
  ['an expiry that is text', { expiresAt: 'soon' }, undefined],
  ['scopes that are not a list', { scopes: 'pipeline' }, { scopes: undefined }],
])('handles an access token with %s in the .access file', async (_, broken, access) => {
  const cwd = temporaryDirectory()
  const store = await open('file:token', { cwd })
  await store.save(tokens('refresh'), untilDone)
  const saved = JSON.parse(readFileSync(join(cwd, 'token.access'), 'utf8'))
  writeFileSync(join(cwd, 'token.access'), JSON.stringify({ ...saved, ...broken }))
  expect(await store.load()).toMatchObject({ access })
})

test('a run that was suspended and lost its lock keeps the newer token of another run', async ({ cwd }) => {
  writeFileSync(join(cwd, 'token'), 'first')
  const suspended = await open('file:token', { cwd })
  await suspended.load()
  const other = await open('file:token', { cwd })
  await other.load()
  await other.save(tokens('third'), untilDone)
  expect(await suspended.save(tokens('second'), untilDone)).toBe('kept-newer')
  expect(readFileSync(join(cwd, 'token'), 'utf8')).toBe('third')

  // It saves again what it has saved, and its own token over the one that it has loaded or that somebody has deleted.
  expect(await other.save(tokens('third', 'another-access-token'), untilDone)).toBeUndefined()
  expect((await other.load())?.access?.token.reveal()).toBe('another-access-token')
  writeFileSync(join(cwd, 'token'), '')
  await other.save(tokens('fourth'), untilDone)
  expect(readFileSync(join(cwd, 'token'), 'utf8')).toBe('fourth')
})

describe('an .access file of the first form', () => {
  const identity = ['https://bitbucket.org/', 'the-client']
  const cameWith = createHash('sha256')
    .update(JSON.stringify([...identity, 'refresh']))
    .digest('hex')
  const first = {
    cameWith,
    token: 'access',
    issuedAt: 1_795_000_000_000,
    expiresAt: 1_795_007_200_000,
    scopes: ['a'],
  }
  const load = async (access: object, given = {}) => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'token'), 'refresh')
    writeFileSync(join(cwd, 'token.access'), JSON.stringify(access))
    return (await open('file:token', { cwd, ...given })).load()
  }

  test('is read', async () => {
    const loaded = await load(first)
    expect(loaded?.access?.token.reveal()).toBe('access')
    expect(loaded?.access).toMatchObject({
      issuedAt: first.issuedAt,
      expiresAt: first.expiresAt,
      scopes: ['a'],
    })
  })

  test.each([
    ['of another consumer', first, { clientId: 'another-client' }],
    ['with a token that is not text', { ...first, token: 1 }, {}],
    ['without a time of issue', { ...first, issuedAt: undefined }, {}],
    ['with an expiry that is text', { ...first, expiresAt: 'soon' }, {}],
  ])('%s costs only one more refresh', async (_, access, given) => {
    expect(await load(access, given)).toMatchObject({ refreshToken: expect.anything(), access: undefined })
  })
})

describe('a file with JSON', () => {
  const filled = (content: object) => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'token'), JSON.stringify(content))
    return cwd
  }

  test('as bitbucket-auth writes it, keeps its form and its other fields', async () => {
    const cwd = filled({ refreshToken: 'first', theme: 'dark' })
    const store = await open('file:token', { cwd })
    const loaded = await store.load()
    expect([loaded?.refreshToken?.reveal(), loaded?.access]).toEqual(['first', undefined])
    await store.alone?.(() => store.save(tokens('second', 'access'), untilDone))
    expect(readdirSync(cwd)).toEqual(['token'])
    expect(JSON.parse(readFileSync(join(cwd, 'token'), 'utf8'))).toMatchObject({
      theme: 'dark',
      refreshToken: 'second',
      accessToken: 'access',
      kind: 'refresh-token',
      expiresIn: 7200,
    })
    expect((await store.load())?.access?.token.reveal()).toBe('access')
    expect((await (await open('file:token', { cwd, clientId: 'another' })).load())?.access).toBeUndefined()
  })

  test.each([{}, { refreshToken: null }, { refreshToken: ' ' }, { refreshToken: 7 }])(
    'without a refresh token (%j) has none',
    async (content) => {
      const store = await open('file:token', { cwd: filled(content) })
      expect(await store.load()).toMatchObject({ refreshToken: undefined })
    },
  )

  test('that is broken is an error that does not show it, and new tokens replace it', async ({ cwd }) => {
    const path = join(cwd, 'token')
    writeFileSync(path, '{"refreshToken":"a-secret')
    const store = await open('file:token', { cwd })
    expect((await errorOf(store.load())).message).toBe(`${path} is not valid JSON.`)
    await store.save(tokens('second'), untilDone)
    expect((await store.load())?.refreshToken?.reveal()).toBe('second')
  })
})

test('replaces a file that everybody can read by one that only its owner can read', async ({ cwd }) => {
  writeFileSync(join(cwd, 'token'), 'old')
  chmodSync(join(cwd, 'token'), 0o644)
  await (await open('file:token', { cwd })).save(tokens('new'), untilDone)
  expect(mode(join(cwd, 'token'))).toBe('600')
})

test('replaces the temporary file that a killed run left', async ({ cwd }) => {
  writeFileSync(join(cwd, 'token.new'), 'half')
  const store = await open('file:token', { cwd })
  await store.alone?.(() => store.save(tokens('new'), untilDone))
  expect(readdirSync(cwd)).toEqual(['token', 'token.access'])
})

test('does not follow a link at the temporary file’s name', async ({ cwd }) => {
  writeFileSync(join(cwd, 'victim'), 'safe')
  symlinkSync('victim', join(cwd, 'token.new'))
  await (await open('file:token', { cwd })).save(tokens('new'), untilDone)
  expect(readFileSync(join(cwd, 'victim'), 'utf8')).toBe('safe')
})

test('finds out that the file cannot be written before the refresh token is spent', async ({ cwd }) => {
  const checkError = async (path: string) => errorOf((await open(`file:${path}`, { cwd })).check())
  const missing = await checkError('missing/token')
  expect(missing.message).toMatch(/Cannot write to .*missing: ENOENT/)
  expect(missing.code).toBe('store-unwritable')
  expect(missing.nextStep).toMatch(/^Create the directory, or mount it/)
  mkdirSync(join(cwd, 'directory'))
  expect((await checkError('directory')).message).toMatch(/directory is not a regular file/)
  symlinkSync('elsewhere', join(cwd, 'link'))
  expect((await checkError('link')).nextStep).toMatch(/not a link/)
  writeFileSync(join(cwd, 'file'), '')
  expect((await checkError('file/token')).message).toMatch(/Cannot write to .*file: /)
})

test('refuses a file that is a mount of its own, as with docker run --volume /srv/token:/token', {
  tags: ['mount'],
}, async ({ cwd }) => {
  mkdirSync(join(cwd, 'my data'))
  symlinkSync('my data', join(cwd, 'link'))
  const file = join(cwd, 'my data', 'token')
  writeFileSync(file, '')
  expect(spawnSync('mount', ['--bind', file, file]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', [file]))
  for (const path of ['my data/token', 'link/token']) {
    const { message, nextStep } = await errorOf((await open(`file:${path}`, { cwd })).check())
    expect(message).toMatch(/token is a mount point/)
    expect(nextStep).toMatch(/^Mount its directory instead: docker run --volume/)
  }
  await (await open('file:my data/another', { cwd })).check()
})

// Root can write to any directory of a writable disk, so as root the test mounts a read-only one.
const isRoot = process.getuid?.() === 0

test('refuses a directory that cannot be written', { tags: isRoot ? ['mount'] : [] }, async ({ cwd }) => {
  if (isRoot) {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=4k', 'none', cwd])
    expect(mounted.status).toBe(0)
    onTestFinished(() => void spawnSync('umount', [cwd]))
  } else chmodSync(cwd, 0o500)
  const error = await errorOf((await open('file:token', { cwd })).check())
  expect(error.message).toMatch(/EACCES|EROFS/)
})

test('finds out that the disk is full before the refresh token is spent', async ({ cwd }) => {
  const store = await open('file:token', { cwd })
  // This has the effect of a full disk: the temporary file cannot be created.
  mkdirSync(join(cwd, 'token.new'))
  let spent = false
  const error = await errorOf(
    store.alone?.(async () => {
      spent = true
    }) ?? Promise.resolve(),
  )
  expect(error.message).toMatch(/The file .*token\.new could not be written/)
  expect(spent).toBe(false)
})

test('refuses a name that is too long for the .access file before the refresh token is spent', async () => {
  const long = await open(`file:${join(temporaryDirectory(), 'n'.repeat(250))}`)
  expect((await errorOf(long.check())).message).toMatch(/ENAMETOOLONG/)
  // The `.access` file's name fits, but not that of its temporary file, which ends in `.new`.
  const almost = await open(`file:${join(temporaryDirectory(), 'n'.repeat(246))}`)
  await almost.check()
  const error = await errorOf(almost.alone?.(async () => {}) ?? Promise.resolve())
  expect(error.message).toMatch(/ENAMETOOLONG/)
})

test('refuses a directory at the .access file’s name before the refresh token is spent', async () => {
  const path = join(temporaryDirectory(), 'refresh-token')
  mkdirSync(`${path}.access`)
  const error = await errorOf((await open(`file:${path}`)).check())
  expect([error.code, error.message]).toEqual(['store-unwritable', `${path}.access is not a regular file.`])
})
