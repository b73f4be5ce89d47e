import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { untilAborted } from '../../src/http/until-aborted.ts'

const reason = new Error('over')
const forever = new Promise<never>(() => {})

test('settles like the promise if there is no abort, and leaves no listener', async () => {
  const { signal } = new AbortController()
  expect(await untilAborted(Promise.resolve('here'), signal)).toBe('here')
  await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('rejects with the reason of the abort', async () => {
  const abort = new AbortController()
  const waiting = untilAborted(forever, abort.signal)
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})

test('rejects at once after an abort', async () => {
  await expect(untilAborted(forever, AbortSignal.abort(reason))).rejects.toBe(reason)
  await expect(untilAborted(Promise.resolve('here'), AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('returns the promise itself without a signal', () => {
  expect(untilAborted(forever, undefined)).toBe(forever)
})
