import { spawnSync } from 'node:child_process'
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
import { expect, onTestFinished, test } from 'vitest'
import { complaintOf, directory, open, tokens, untilDone } from './support/open.ts'

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('the file holds the token and nothing else, for its owner alone, whatever the umask', async () => {
  const cwd = directory()
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

test('what was saved is loaded, by this consumer alone together with the access token', async () => {
  const cwd = directory()
  const store = await open('file:token', { cwd })
  const saved = tokens('refresh', 'access')
  await store.save(saved, untilDone)
  const loaded = await store.load()
  expect(loaded?.refreshToken.reveal()).toBe('refresh')
  expect(loaded?.access?.token.reveal()).toBe('access')
  expect(loaded?.access).toMatchObject({ expiresAt: saved.access.expiresAt, scopes: ['pipeline'] })

  const other = await open('file:token', { cwd, clientId: 'another-client' })
  expect((await other.load())?.access).toBeUndefined()
  // Somebody has put another account's token there.
  writeFileSync(join(cwd, 'token'), 'of-another-account')
  expect(await store.load()).toMatchObject({ access: undefined })
  expect(readFileSync(join(cwd, 'token.access'), 'utf8')).not.toContain('refresh')
})

test('a token that a person wrote has a line end', async () => {
  const cwd = directory()
  writeFileSync(join(cwd, 'token'), 'by-hand\r\n')
  expect((await (await open('file:token', { cwd })).load())?.refreshToken.reveal()).toBe('by-hand')
  writeFileSync(join(cwd, 'token'), ' \n')
  expect(await (await open('file:token', { cwd })).load()).toBeUndefined()
  writeFileSync(join(cwd, 'token'), 'two\nlines')
  expect(await complaintOf((await open('file:token', { cwd })).load())).toMatchObject({
    code: 'store-unwritable',
    message: `${join(cwd, 'token')} contains something that is not a refresh token.`,
    nextStep: expect.stringMatching(/^Delete the file, or write only the newest/),
  })
})

test('a token that cannot be read is not one that is not there', async () => {
  const cwd = directory()
  mkdirSync(join(cwd, 'token'))
  const { code, message, nextStep } = await complaintOf((await open('file:token', { cwd })).load())
  expect(code).toBe('store-unwritable')
  expect(message).toMatch(/Could not read .*token: it is not a regular file/)
  expect(nextStep).toBe('Use a file that belongs to this user and that this user can read.')
})

test.each(['{', '{}', 'null', '{"cameWith":1}'])(
  'a broken %s beside it costs a refresh and no more',
  async (text) => {
    const cwd = directory()
    const store = await open('file:token', { cwd })
    await store.save(tokens('refresh'), untilDone)
    writeFileSync(join(cwd, 'token.access'), text)
    expect(await store.load()).toMatchObject({ access: undefined })
  },
)

test.each([
  ['a token that is none', { token: 1 }, undefined],
  ['no time of its issue', { issuedAt: undefined }, undefined],
  ['an end that is a text', { expiresAt: 'soon' }, undefined],
  ['scopes that are no list', { scopes: 'pipeline' }, { scopes: undefined }],
])('an access token with %s beside it', async (_, broken, access) => {
  const cwd = directory()
  const store = await open('file:token', { cwd })
  await store.save(tokens('refresh'), untilDone)
  const saved = JSON.parse(readFileSync(join(cwd, 'token.access'), 'utf8'))
  writeFileSync(join(cwd, 'token.access'), JSON.stringify({ ...saved, ...broken }))
  expect(await store.load()).toMatchObject({ access })
})

test('a file that all can read is replaced by one that they cannot', async () => {
  const cwd = directory()
  writeFileSync(join(cwd, 'token'), 'old')
  chmodSync(join(cwd, 'token'), 0o644)
  await (await open('file:token', { cwd })).save(tokens('new'), untilDone)
  expect(mode(join(cwd, 'token'))).toBe('600')
})

test('what a killed run has left beside it is taken over', async () => {
  const cwd = directory()
  writeFileSync(join(cwd, 'token.new'), 'half')
  const store = await open('file:token', { cwd })
  await store.alone?.(() => store.save(tokens('new'), untilDone))
  expect(readdirSync(cwd)).toEqual(['token', 'token.access'])
})

test('a link that waits where the new file is made is not followed', async () => {
  const cwd = directory()
  writeFileSync(join(cwd, 'victim'), 'safe')
  symlinkSync('victim', join(cwd, 'token.new'))
  await (await open('file:token', { cwd })).save(tokens('new'), untilDone)
  expect(readFileSync(join(cwd, 'victim'), 'utf8')).toBe('safe')
})

test('what cannot be written is seen before anything is spent', async () => {
  const cwd = directory()
  const complaint = async (path: string) => complaintOf((await open(`file:${path}`, { cwd })).check())
  const missing = await complaint('missing/token')
  expect(missing.message).toMatch(/Cannot write to .*missing: ENOENT/)
  expect(missing.code).toBe('store-unwritable')
  expect(missing.nextStep).toMatch(/^Create the directory, or mount it/)
  mkdirSync(join(cwd, 'directory'))
  expect((await complaint('directory')).message).toMatch(/directory is not a regular file/)
  symlinkSync('elsewhere', join(cwd, 'link'))
  expect((await complaint('link')).nextStep).toMatch(/not a link/)
  writeFileSync(join(cwd, 'file'), '')
  expect((await complaint('file/token')).message).toMatch(/Cannot write to .*file: /)
})

test('a file that is mounted on its own, as by docker run --volume /srv/token:/token', {
  tags: ['mount'],
}, async () => {
  const cwd = directory()
  mkdirSync(join(cwd, 'my data'))
  symlinkSync('my data', join(cwd, 'link'))
  const file = join(cwd, 'my data', 'token')
  writeFileSync(file, '')
  expect(spawnSync('mount', ['--bind', file, file]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', [file]))
  for (const path of ['my data/token', 'link/token']) {
    const { message, nextStep } = await complaintOf((await open(`file:${path}`, { cwd })).check())
    expect(message).toMatch(/token is a mount point/)
    expect(nextStep).toMatch(/^Mount its directory instead: docker run --volume/)
  }
  await (await open('file:my data/another', { cwd })).check()
})

// Root may write wherever something can be written at all, so for root it is a read-only disk.
const isRoot = process.getuid?.() === 0

test('a directory that cannot be written', { tags: isRoot ? ['mount'] : [] }, async () => {
  const cwd = directory()
  if (isRoot) {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=4k', 'none', cwd])
    expect(mounted.status).toBe(0)
    onTestFinished(() => void spawnSync('umount', [cwd]))
  } else chmodSync(cwd, 0o500)
  const error = await complaintOf((await open('file:token', { cwd })).check())
  expect(error.message).toMatch(/EACCES|EROFS/)
})

test('a full disk is seen before anything is spent', async () => {
  const cwd = directory()
  const store = await open('file:token', { cwd })
  // As good as full: nothing can be made under the name that the new file is to have.
  mkdirSync(join(cwd, 'token.new'))
  let spent = false
  const error = await complaintOf(
    store.alone?.(async () => {
      spent = true
    }) ?? Promise.resolve(),
  )
  expect(error.message).toMatch(/The file .*token\.new could not be written/)
  expect(spent).toBe(false)
})

test('a name that is too long for the file beside it is refused before anything is spent', async () => {
  const long = await open(`file:${join(directory(), 'n'.repeat(250))}`)
  expect((await complaintOf(long.check())).message).toMatch(/ENAMETOOLONG/)
  // `.access` fits, but not the `.new` behind it while it is written.
  const almost = await open(`file:${join(directory(), 'n'.repeat(246))}`)
  await almost.check()
  const error = await complaintOf(almost.alone?.(async () => {}) ?? Promise.resolve())
  expect(error.message).toMatch(/ENAMETOOLONG/)
})

test('something else than a file under the name of the file beside it is refused before anything is spent', async () => {
  const path = join(directory(), 'refresh-token')
  mkdirSync(`${path}.access`)
  const error = await complaintOf((await open(`file:${path}`)).check())
  expect([error.code, error.message]).toEqual(['store-unwritable', `${path}.access is not a regular file.`])
})
