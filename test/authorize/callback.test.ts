import { describe, expect, test } from 'vitest'
import { Attempts } from '../../src/authorize/attempts.ts'
import { readCallback } from '../../src/authorize/callback.ts'
import { quoteForLog } from '../../src/errors.ts'

const forCode = { wanted: 'code', issuer: new URL('https://bitbucket.org'), quote: quoteForLog } as const
const forToken = { ...forCode, wanted: 'access_token' } as const

const newAttempts = () => new Attempts({ elapsed: () => 0 })

/** Returns the problem that the user sees when this answer comes to a valid attempt. */
function problemWith(answer: Record<string, string>) {
  const attempts = newAttempts()
  const { state } = attempts.begin()
  const read = readCallback(new URLSearchParams({ state, ...answer }), attempts, forCode)
  if (!('problem' in read)) throw new Error('the answer was accepted')
  return read.problem
}

test('accepts a code with a known state once', () => {
  const attempts = newAttempts()
  const attempt = attempts.begin()
  const parameters = new URLSearchParams({ state: attempt.state, code: 'c' })
  expect(readCallback(parameters, attempts, forCode)).toEqual({ attempt, parameters })
  expect(readCallback(parameters, attempts, forCode)).toMatchObject({
    problem: { title: 'This answer was already used' },
  })
})

test.each([
  ['access_denied', 'Access was not granted'],
  ['invalid_request', 'Bitbucket did not understand the request'],
  ['unauthorized_client', 'The OAuth client is not allowed to use this grant'],
  ['unsupported_response_type', 'Bitbucket does not offer this grant'],
  ['invalid_scope', 'Bitbucket rejected the OAuth client’s scopes'],
  ['server_error', 'Bitbucket failed'],
  ['temporarily_unavailable', 'Bitbucket is too busy'],
  ['something_new', 'Bitbucket reported an error'],
  ['__proto__', 'Bitbucket reported an error'],
])('explains %s and says what to do', (error, title) => {
  const problem = problemWith({ error, error_description: 'its words' })
  expect(problem).toMatchObject({ title, said: `${error}: its words` })
  expect(problem.text).toMatch(/\.$/)
  expect(problem.advice).toMatch(/\.$/)
})

describe('rejects a forged answer and keeps the attempt valid', () => {
  const honest = 'code=c&state=STATE'
  test.each<[string, string, string, typeof forCode | typeof forToken]>([
    ['two codes', `${honest}&code=d`, 'This answer repeats a parameter', forCode],
    ['the same code twice', `${honest}&code=c`, 'This answer repeats a parameter', forCode],
    ['two states', `${honest}&state=x`, 'This answer repeats a parameter', forCode],
    ['an empty state first', `state=&${honest}`, 'This answer repeats a parameter', forCode],
    [
      'two issuers',
      `${honest}&iss=https%3A%2F%2Fbitbucket.org&iss=x`,
      'This answer repeats a parameter',
      forCode,
    ],
    ['two tokens', 'access_token=a&access_token=b&state=STATE', 'This answer repeats a parameter', forToken],
    [
      'two descriptions',
      'error=e&error_description=a&error_description=b&state=STATE',
      'This answer repeats a parameter',
      forCode,
    ],
    ['an error and a code', `${honest}&error=access_denied`, 'This answer contradicts itself', forCode],
    ['an error and a token', 'access_token=a&error=&state=STATE', 'This answer contradicts itself', forToken],
    ['a code and a token', `${honest}&access_token=a`, 'This answer belongs to another grant', forCode],
    [
      'a token instead of a code',
      'access_token=a&state=STATE',
      'This answer belongs to another grant',
      forCode,
    ],
    ['a code instead of a token', honest, 'This answer belongs to another grant', forToken],
    [
      'a foreign issuer',
      `${honest}&iss=https%3A%2F%2Fevil.example`,
      'This answer comes from another server',
      forCode,
    ],
    [
      'an error with a foreign issuer',
      'error=access_denied&state=STATE&iss=https%3A%2F%2Fevil.example',
      'This answer comes from another server',
      forCode,
    ],
    [
      'an issuer whose name only starts like the real one',
      `${honest}&iss=https%3A%2F%2Fbitbucket.org.evil.example`,
      'This answer comes from another server',
      forCode,
    ],
    [
      'the issuer without TLS',
      `${honest}&iss=http%3A%2F%2Fbitbucket.org`,
      'This answer comes from another server',
      forCode,
    ],
    [
      'the issuer on another port',
      `${honest}&iss=https%3A%2F%2Fbitbucket.org%3A8443`,
      'This answer comes from another server',
      forCode,
    ],
    [
      'the issuer as a user name',
      `${honest}&iss=https%3A%2F%2Fbitbucket.org%40evil.example`,
      'This answer comes from another server',
      forCode,
    ],
    ['an empty issuer', `${honest}&iss=`, 'This answer comes from another server', forCode],
    [
      'an issuer that is not a URL',
      `${honest}&iss=bitbucket.org`,
      'This answer comes from another server',
      forCode,
    ],
  ])('%s', (_, query, title, expected) => {
    const attempts = newAttempts()
    const attempt = attempts.begin()
    const read = readCallback(new URLSearchParams(query.replace('STATE', attempt.state)), attempts, expected)
    expect(read).toMatchObject({ problem: { title } })
    expect(attempts.take(attempt.state)).toBe(attempt)
  })

  test.each(['https://bitbucket.org', 'https://bitbucket.org/', 'https://BitBucket.org:443/site/oauth2'])(
    'accepts the issuer to which the browser was sent: %s',
    (iss) => {
      const attempts = newAttempts()
      const attempt = attempts.begin()
      const parameters = new URLSearchParams({ state: attempt.state, code: 'c', iss })
      expect(readCallback(parameters, attempts, forCode)).toEqual({ attempt, parameters })
    },
  )
})

describe('rejects an answer', () => {
  test('without a code', () => {
    expect(problemWith({}).title).toBe('Bitbucket’s answer is incomplete')
    expect(problemWith({ code: '' }).title).toBe('Bitbucket’s answer is incomplete')
  })

  test('without a state, and does not show its text', () => {
    const attempts = newAttempts()
    const read = (query: string) => readCallback(new URLSearchParams(query), attempts, forCode)
    expect(read('code=c')).toMatchObject({ problem: { title: 'This answer is not from Bitbucket' } })
    const denied = read('error=access_denied&error_description=Call+555-0100')
    expect(denied).toMatchObject({ problem: { title: 'Access was not granted' } })
    expect(JSON.stringify(denied)).not.toContain('555')
  })

  test('with an unknown state, and does not show its text', () => {
    const read = readCallback(
      new URLSearchParams('state=x&error=e&error_description=Call+555'),
      newAttempts(),
      forCode,
    )
    expect(read).toMatchObject({ problem: { title: 'The program did not ask for this answer' } })
    expect(JSON.stringify(read)).not.toContain('555')
  })
})
