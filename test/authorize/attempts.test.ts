import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Attempts, timeForConsent } from '../../src/authorize/attempts.ts'

/** Attempts on a clock that only the test moves. */
function attemptsAt() {
  const clock = { elapsed: 0 }
  return { clock, attempts: new Attempts({ elapsed: () => clock.elapsed }) }
}

test('each state counts once, and only where it was given out', () => {
  const { attempts } = attemptsAt()
  const first = attempts.begin()
  const second = attempts.begin()
  expect(attempts.take(`${first.state}x`)).toBe('unknown')
  expect(attempts.take('')).toBe('unknown')
  expect(attempts.take(first.state)).toBe(first)
  expect(attempts.take(first.state)).toBe('used')
  expect(attempts.take(second.state)).toBe(second)
})

test('each lasts ten minutes, and the last one says when all are over', () => {
  const { clock, attempts } = attemptsAt()
  expect(attempts.end).toBeUndefined()
  const [early, late] = [attempts.begin(), attempts.begin()]
  expect(attempts.end).toBe(timeForConsent)
  clock.elapsed = timeForConsent - 1
  expect(attempts.take(early.state)).toBe(early)
  clock.elapsed = timeForConsent
  expect(attempts.take(late.state)).toBe('expired')
  expect(attempts.take(late.state)).toBe('used')
  attempts.begin()
  expect(attempts.end).toBe(2 * timeForConsent)
})

test('none can be guessed from another, and the challenge is RFC 7636’s', () => {
  const { attempts } = attemptsAt()
  const all = Array.from({ length: 20 }, () => attempts.begin())
  expect(new Set(all.flatMap(({ state, verifier }) => [state, verifier])).size).toBe(40)
  for (const { state, verifier, challenge } of all) {
    expect(state).toMatch(/^[\w-]{43}$/)
    expect(verifier).toMatch(/^[\w-]{43}$/)
    expect(challenge).toBe(createHash('sha256').update(verifier).digest('base64url'))
  }
})

test('of more than a person has tabs, the oldest is forgotten', () => {
  const { attempts } = attemptsAt()
  const first = attempts.begin()
  const others = Array.from({ length: 32 }, () => attempts.begin())
  expect(attempts.take(first.state)).toBe('unknown')
  expect(attempts.take(others[0]?.state ?? '')).toBe(others[0])
})
