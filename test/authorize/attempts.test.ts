import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Attempts, timeForConsent } from '../../src/authorize/attempts.ts'

/** Returns attempts on a clock that only the test moves. */
function attemptsAt() {
  const clock = { elapsed: 0 }
  return { clock, attempts: new Attempts({ elapsed: () => clock.elapsed }) }
}

test('accepts each state once, and no unknown state', () => {
  const { attempts } = attemptsAt()
  const first = attempts.begin()
  const second = attempts.begin()
  expect(attempts.take(`${first.state}x`)).toBe('unknown')
  expect(attempts.take('')).toBe('unknown')
  expect(attempts.take(first.state)).toBe(first)
  expect(attempts.take(first.state)).toBe('used')
  expect(attempts.take(second.state)).toBe(second)
})

test('expires each attempt after ten minutes, and says when the newest one expires', () => {
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

test('makes states and verifiers that cannot be guessed, and the challenge of RFC 7636', () => {
  const { attempts } = attemptsAt()
  const all = Array.from({ length: 20 }, () => attempts.begin())
  expect(new Set(all.flatMap(({ state, verifier }) => [state, verifier])).size).toBe(40)
  for (const { state, verifier, challenge } of all) {
    expect(state).toMatch(/^[\w-]{43}$/)
    expect(verifier).toMatch(/^[\w-]{43}$/)
    expect(challenge).toBe(createHash('sha256').update(verifier).digest('base64url'))
  }
})

test('forgets the oldest of more than 32 attempts', () => {
  const { attempts } = attemptsAt()
  const first = attempts.begin()
  const others = Array.from({ length: 32 }, () => attempts.begin())
  expect(attempts.take(first.state)).toBe('unknown')
  expect(attempts.take(others[0]?.state ?? '')).toBe(others[0])
})
