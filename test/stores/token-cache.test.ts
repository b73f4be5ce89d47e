import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { type CachedToken, clearTokenCache, tokenCache } from '../../src/stores/token-cache.ts'
import type { World } from '../../src/world.ts'
import { fakeWorld, startOfTime } from '../support/fake-world.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const minute = 60_000
const timeout = minute

/** Makes a cache in its own directory, with a clock that the test moves and a server that numbers its tokens. */
function subject({
  directory = join(temporaryDirectory(), 'cache'),
  identity = ['the-client', 'its-secret'],
} = {}) {
  let time = startOfTime
  const world: World = { ...fakeWorld(), now: () => time }
  const asked: (Secret | undefined)[] = []
  return {
    directory,
    world,
    /** The refresh token that each renewal received. */
    asked,
    cache: tokenCache({
      directories: [directory],
      identity: identity.map((part, index) => (index === 0 ? part : new Secret(part))),
      world,
      timeout,
    }),
    pass: (milliseconds: number) => {
      time += milliseconds
    },
    renew:
      ({ lifetime = 120 * minute, refreshToken }: { lifetime?: number; refreshToken?: string } = {}) =>
      async (newest: Secret | undefined): Promise<CachedToken> => {
        asked.push(newest)
        return {
          token: new Secret(`hunter-${asked.length}`),
          expiresAt: time + lifetime,
          lifetime,
          refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
        }
      },
    clear: (refreshTokens: boolean) => clearTokenCache([directory], { world, timeout, refreshTokens }),
  }
}

const only = (directory: string): string => {
  const [name = '', ...others] = readdirSync(directory)
  expect(others).toEqual([])
  return join(directory, name)
}

describe('a valid token', () => {
  test('is returned again, with all its fields', async () => {
    const { cache, renew, asked, directory } = subject()
    const first = await cache.get(renew({ refreshToken: 'next' }))
    expect(first).toEqual({
      token: new Secret('hunter-1'),
      expiresAt: startOfTime + 120 * minute,
      lifetime: 120 * minute,
      refreshToken: new Secret('next'),
    })
    utimesSync(directory, 1, 1)
    expect(await cache.get(renew())).toEqual(first)
    expect(asked).toEqual([undefined])
    // It did not even take the lock.
    expect(statSync(directory).mtimeMs).toBe(1_000)
  })

  test('is shared with another process that has the same credential, and with no other', async () => {
    const one = subject()
    await one.cache.get(one.renew())
    const same = subject({ directory: one.directory })
    expect((await same.cache.get(same.renew())).token).toEqual(new Secret('hunter-1'))
    expect(same.asked).toEqual([])
    const others = [
      ['another-client', 'its-secret'],
      ['the-client', 'another-secret'],
      ['the-client', 'its-', 'secret'],
      ['the-client'],
    ]
    for (const identity of others) {
      const other = subject({ directory: one.directory, identity })
      await other.cache.get(other.renew())
      expect(other.asked).toHaveLength(1)
    }
  })

  test('is in a file that only its owner can read, whose name reveals nothing', async () => {
    const { cache, renew, directory } = subject({ identity: ['the-client', 'hunter-secret'] })
    await cache.get(renew())
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(only(directory)).mode & 0o777).toBe(0o600)
    expect(only(directory)).toMatch(/\/token-[0-9a-f]{32}\.json$/)
    expect(readFileSync(only(directory), 'utf8')).not.toContain('secret')
  })
})

describe('a token is renewed', () => {
  test.each([
    ['five minutes before it expires', 120 * minute, 115 * minute],
    ['in the last tenth of a short lifetime', 10 * minute, 9 * minute],
  ])('%s', async (_, lifetime, until) => {
    const { cache, renew, asked, pass } = subject()
    await cache.get(renew({ lifetime }))
    pass(until - 1)
    await cache.get(renew({ lifetime }))
    expect(asked).toHaveLength(1)
    pass(1)
    expect((await cache.get(renew({ lifetime }))).token).toEqual(new Secret('hunter-2'))
  })

  test('once, if several callers ask at the same time', async () => {
    const { cache, renew, asked } = subject()
    const all = await Promise.all([cache.get(renew()), cache.get(renew()), cache.get(renew())])
    expect(all.map(({ token }) => token)).toEqual(Array(3).fill(new Secret('hunter-1')))
    expect(asked).toHaveLength(1)
  })

  test('with the newest refresh token, which is kept if the server returns no newer one', async () => {
    const { cache, renew, asked, pass } = subject()
    for (const refreshToken of ['second', undefined, 'third', undefined]) {
      await cache.get(renew(refreshToken === undefined ? {} : { refreshToken }))
      pass(120 * minute)
    }
    expect(asked).toEqual([undefined, new Secret('second'), new Secret('second'), new Secret('third')])
  })

  test('without losing the old file if the server refuses', async () => {
    const { cache, renew, directory, pass } = subject()
    await cache.get(renew({ refreshToken: 'next' }))
    const before = readFileSync(only(directory), 'utf8')
    pass(120 * minute)
    await expect(cache.get(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
    expect(readFileSync(only(directory), 'utf8')).toBe(before)
  })
})

describe('reads the cache file, and replaces a token that is invalid', () => {
  const good = { token: 'hunter-0', expiresAt: startOfTime + 120 * minute, lifetime: 120 * minute }

  test.each([
    ['good', good, 0],
    ['nothing', '', 1],
    ['half', '{"token":', 1],
    ['null', 'null', 1],
    ['without a token', { ...good, token: undefined }, 1],
    ['a token that is a number', { ...good, token: 1 }, 1],
    ['an empty token', { ...good, token: '' }, 1],
    ['a token of two lines', { ...good, token: 'hunter\nquit=1' }, 1],
    ['a line before the token', { ...good, token: '\nhunter' }, 1],
    ['an expiry that is text', { ...good, expiresAt: `${good.expiresAt}` }, 1],
    ['an expiry that is too late for a Date', { ...good, expiresAt: 8.64e15 + 1 }, 1],
    ['the latest expiry that a Date can hold', { ...good, expiresAt: 8.64e15 }, 0],
    ['without a lifetime', { ...good, lifetime: undefined }, 1],
    ['a lifetime that is text', { ...good, lifetime: `${good.lifetime}` }, 1],
  ])('%s', async (_, content, questions) => {
    const { cache, renew, asked, directory } = subject()
    await cache.get(renew())
    writeFileSync(only(directory), typeof content === 'string' ? content : JSON.stringify(content))
    await cache.get(renew())
    expect(asked).toHaveLength(1 + questions)
  })

  test('an invalid refresh token is not sent', async () => {
    const { cache, renew, asked, directory } = subject()
    await cache.get(renew())
    writeFileSync(only(directory), JSON.stringify({ ...good, expiresAt: 0, refreshToken: 1 }))
    await cache.get(renew())
    expect(asked).toEqual([undefined, undefined])
  })
})

describe('a token that was refused', () => {
  test('is not returned again, and its refresh token is kept', async () => {
    const { cache, renew, asked } = subject()
    const { token } = await cache.get(renew({ refreshToken: 'next' }))
    await cache.forget(token)
    expect((await cache.get(renew())).token).toEqual(new Secret('hunter-2'))
    expect(asked).toEqual([undefined, new Secret('next')])
  })

  test('does not remove another token', async () => {
    const { cache, renew, asked } = subject()
    await cache.get(renew())
    await cache.forget(new Secret('another'))
    await cache.get(renew())
    expect(asked).toHaveLength(1)
  })

  test('creates no file if there was none', async () => {
    const { cache, directory } = subject()
    await cache.forget(new Secret('another'))
    expect(lstatSync(directory, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('can be forgotten even if its file was removed meanwhile', async () => {
    const { cache, renew, directory, pass } = subject()
    const { token } = await cache.get(renew())
    const file = only(directory)
    pass(120 * minute)
    let forgotten: Promise<void> | undefined
    await cache
      .get(async () => {
        forgotten = cache.forget(token)
        rmSync(file)
        throw new Error('refused')
      })
      .catch(() => {})
    await expect(forgotten).resolves.toBeUndefined()
    expect(readdirSync(directory)).toEqual([])
  })

  test('does not remove a newer token that another process got meanwhile', async () => {
    const { cache, renew, asked, pass } = subject()
    const { token } = await cache.get(renew())
    pass(120 * minute)
    let forgotten: Promise<void> | undefined
    await cache.get((newest) => {
      // The renewal holds the lock, so `forget` waits for it.
      forgotten = cache.forget(token)
      return renew()(newest)
    })
    await forgotten
    expect((await cache.get(renew())).token).toEqual(new Secret('hunter-2'))
    expect(asked).toHaveLength(2)
  })
})

describe('clearing', () => {
  test('removes all tokens and the directory, and lists the files', async () => {
    const one = subject()
    await one.cache.get(one.renew())
    const other = subject({ directory: one.directory, identity: ['another-client'] })
    await other.cache.get(other.renew())
    const files = readdirSync(one.directory).map((name) => join(one.directory, name))
    writeFileSync(join(one.directory, '.new-x'), 'half')
    const { removed, kept } = await one.clear(false)
    expect({ removed: removed.sort(), kept }).toEqual({ removed: files.sort(), kept: [] })
    expect(lstatSync(one.directory, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('keeps a refresh token that the server issued, without its access token', async () => {
    const { cache, renew, asked, directory, clear } = subject()
    await cache.get(renew({ refreshToken: 'next' }))
    const file = only(directory)
    expect(await clear(false)).toEqual({ removed: [], kept: [file] })
    expect(JSON.parse(readFileSync(only(directory), 'utf8'))).toMatchObject({ token: '', expiresAt: 0 })
    await cache.get(renew())
    expect(asked).toEqual([undefined, new Secret('next')])
  })

  test('removes that refresh token too if told to', async () => {
    const { cache, renew, directory, clear } = subject()
    await cache.get(renew({ refreshToken: 'next' }))
    const file = only(directory)
    expect(await clear(true)).toEqual({ removed: [file], kept: [] })
    expect(lstatSync(directory, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('removes the lock of a killed run, and keeps files that are not ours', async () => {
    const { cache, renew, directory, clear } = subject()
    await cache.get(renew())
    const name = only(directory).slice(directory.length + 1)
    writeFileSync(join(directory, `${name}.lock`), JSON.stringify({ id: 'x', pid: 0, place: 'elsewhere' }))
    writeFileSync(join(directory, `my-${name}`), '')
    await clear(false)
    expect(readdirSync(directory)).toEqual([`my-${name}`])
  })

  test('does not list a stale lock, and removes a file that cannot be read', async () => {
    const { cache, renew, directory, clear } = subject()
    await cache.get(renew())
    const file = only(directory)
    writeFileSync(file, 'half')
    expect(await clear(false)).toEqual({ removed: [file], kept: [] })
    mkdirSync(directory)
    writeFileSync(`${file}.lock`, JSON.stringify({ id: 'x', pid: 0, place: 'elsewhere' }))
    expect(await clear(false)).toEqual({ removed: [], kept: [] })
    expect(lstatSync(directory, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('does nothing if there is no cache', async () => {
    const base = temporaryDirectory()
    const { clear } = subject({ directory: join(base, 'home', 'cache') })
    expect(await clear(true)).toEqual({ removed: [], kept: [] })
    expect(readdirSync(base)).toEqual([])
  })

  test('does not follow a link', async () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'elsewhere'))
    chmodSync(join(base, 'elsewhere'), 0o755)
    symlinkSync('elsewhere', join(base, 'cache'))
    writeFileSync(join(base, 'elsewhere', `token-${'0'.repeat(32)}.json`), 'theirs')
    const { clear } = subject({ directory: join(base, 'cache') })
    expect(await clear(true)).toEqual({ removed: [], kept: [] })
    expect(readdirSync(join(base, 'elsewhere'))).toHaveLength(1)
    expect(statSync(join(base, 'elsewhere')).mode & 0o777).toBe(0o755)
  })
})

describe('a directory that another user has taken', { tags: ['root'] }, () => {
  function taken() {
    const base = temporaryDirectory()
    const [first = '', second = ''] = ['first', 'second'].map((name) => join(base, name))
    mkdirSync(first)
    writeFileSync(join(first, 'theirs'), '')
    chownSync(first, 1000, 1000)
    return { first, second }
  }
  const renew = async () => ({
    token: new Secret('hunter-2'),
    expiresAt: startOfTime + 60 * minute,
    lifetime: 60 * minute,
    refreshToken: undefined,
  })
  const open = (directories: readonly string[]) =>
    tokenCache({ directories, identity: ['a'], world: fakeWorld(), timeout })

  test('is left alone; all processes and cleanup use the next directory', async () => {
    const { first, second } = taken()
    await open([first, second]).get(renew)
    const cached = await open([first, second]).get(async () => {
      throw new Error('the token was requested again')
    })
    expect(cached.token.reveal()).toBe('hunter-2')
    expect([readdirSync(first), readdirSync(second).length]).toEqual([['theirs'], 1])
    const clear = { world: fakeWorld(), timeout, refreshTokens: true }
    expect((await clearTokenCache([first, second], clear)).removed).toHaveLength(1)
    expect(readdirSync(first)).toEqual(['theirs'])
  })

  test('is an error that says what to do if there is no other directory', async () => {
    const { first } = taken()
    await expect(open([first]).get(renew)).rejects.toMatchObject({
      message: expect.stringContaining(`${first} could not be made: it belongs to another user (uid 1000)`),
      nextStep: expect.stringContaining('XDG_RUNTIME_DIR'),
    })
  })

  test('is not used later when it is free, because the cache stays where it is', async () => {
    const { first, second } = taken()
    await open([first, second]).get(renew)
    rmSync(first, { recursive: true })
    const cache = open([first, second])
    await cache.forget((await cache.get(renew)).token)
    expect(lstatSync(first, { throwIfNoEntry: false })).toBeUndefined()
  })
})
