import { expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { refusalsCountFor, refusalsInMemory } from '../../src/stores/refusal-count.ts'
import { tokenCacheInMemory } from '../../src/stores/token-cache.ts'

function clock() {
  let time = 1_000_000
  return {
    now: () => time,
    advance(milliseconds: number) {
      time += milliseconds
    },
  }
}

const tokenAt = (now: number, name: string, refreshToken?: string) => ({
  token: new Secret(name),
  lifetime: 3_000,
  expiresAt: now + 3_000,
  refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
})

test('renews a token once for all who ask at the same time', async () => {
  const { now, advance } = clock()
  const cache = tokenCacheInMemory(tokenAt(now(), 'first'), { now })
  let renewals = 0
  const ask = async () =>
    (await cache.get(async () => tokenAt(now(), `renewed ${++renewals}`))).token.reveal()
  expect(await ask()).toBe('first')
  for (const round of [1, 2]) {
    advance(2_800)
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(Array(3).fill(`renewed ${round}`))
  }
})

test('tries again after a renewal that failed', async () => {
  const { now, advance } = clock()
  const cache = tokenCacheInMemory(tokenAt(now(), 'first'), { now })
  advance(3_000)
  await expect(cache.get(() => Promise.reject(new Error('not now')))).rejects.toThrow('not now')
  expect((await cache.get(async () => tokenAt(now(), 'second'))).token.reveal()).toBe('second')
})

test('passes the newest refresh token to the next renewal', async () => {
  const { now, advance } = clock()
  const cache = tokenCacheInMemory(tokenAt(now(), 'first', 'one'), { now })
  const spent: (string | undefined)[] = []
  for (const next of ['two', undefined, 'three']) {
    advance(3_000)
    await cache.get(async (newest) => {
      spent.push(newest?.reveal())
      return tokenAt(now(), 'renewed', next)
    })
  }
  expect(spent).toEqual(['one', 'two', 'two'])
})

test('forgets only the token that was refused', async () => {
  const { now } = clock()
  const cache = tokenCacheInMemory(tokenAt(now(), 'first'), { now })
  await cache.forget(new Secret('another'))
  expect(cache.peek()?.token.reveal()).toBe('first')
  await cache.forget(new Secret('first'))
  expect(cache.peek()).toBeUndefined()
})

test('counts refusals until a success, or until they are old', async () => {
  const { now, advance } = clock()
  const refusals = refusalsInMemory({ now })
  await refusals.add()
  await refusals.add()
  await refusals.renewed()
  expect([refusals.count(), refusals.isRenewed()]).toEqual([2, true])
  advance(refusalsCountFor + 1)
  expect([refusals.count(), refusals.isRenewed()]).toEqual([0, false])
  await refusals.add()
  refusals.clear()
  expect(refusals.count()).toBe(0)
})
