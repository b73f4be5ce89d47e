import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { untilAborted } from '../../src/http/until-aborted.ts'

const reason = new Error('over')
const forever = new Promise<never>(() => {})

test('what comes before the abort comes, good or bad, and nothing stays at the signal', async () => {
  const { signal } = new AbortController()
  expect(await untilAborted(Promise.resolve('here'), signal)).toBe('here')
  await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('an abort ends the wait, with its reason', async () => {
  const abort = new AbortController()
  const waiting = untilAborted(forever, abort.signal)
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})

test('after an abort nothing is waited for', async () => {
  await expect(untilAborted(forever, AbortSignal.abort(reason))).rejects.toBe(reason)
  await expect(untilAborted(Promise.resolve('here'), AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('without a signal it is the promise itself', () => {
  expect(untilAborted(forever, undefined)).toBe(forever)
})
