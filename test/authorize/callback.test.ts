import { describe, expect, test } from 'vitest'
import { Attempts } from '../../src/authorize/attempts.ts'
import { readCallback } from '../../src/authorize/callback.ts'
import { quoteForLog } from '../../src/errors.ts'

const forCode = { wanted: 'code', issuer: new URL('https://bitbucket.org'), quote: quoteForLog } as const
const forToken = { ...forCode, wanted: 'access_token' } as const

const newAttempts = () => new Attempts({ elapsed: () => 0 })

/** What a person is told of an answer to an attempt that is on its way. */
function told(answer: Record<string, string>) {
  const attempts = newAttempts()
  const { state } = attempts.begin()
  const read = readCallback(new URLSearchParams({ state, ...answer }), attempts, forCode)
  if (!('problem' in read)) throw new Error('it was taken')
  return read.problem
}

test('a code with a state that is on its way is taken, once', () => {
  const attempts = newAttempts()
  const attempt = attempts.begin()
  const parameters = new URLSearchParams({ state: attempt.state, code: 'c' })
  expect(readCallback(parameters, attempts, forCode)).toEqual({ attempt, parameters })
  expect(readCallback(parameters, attempts, forCode)).toMatchObject({
    problem: { title: 'This answer was used before' },
  })
})

test.each([
  ['access_denied', 'Access was not granted'],
  ['invalid_request', 'Bitbucket did not understand the request'],
  ['unauthorized_client', 'The consumer may not ask for this'],
  ['unsupported_response_type', 'Bitbucket does not offer this grant'],
  ['invalid_scope', 'The consumer’s scopes are not accepted'],
  ['server_error', 'Bitbucket failed'],
  ['temporarily_unavailable', 'Bitbucket is too busy'],
  ['something_new', 'Bitbucket reported an error'],
  ['__proto__', 'Bitbucket reported an error'],
])('%s is explained, with what to do', (error, title) => {
  const problem = told({ error, error_description: 'its words' })
  expect(problem).toMatchObject({ title, said: `${error}: its words` })
  expect(problem.text).toMatch(/\.$/)
  expect(problem.advice).toMatch(/\.$/)
})

describe('an answer that no honest server gives brings nothing and spends no attempt', () => {
  const honest = 'code=c&state=STATE'
  test.each<[string, string, string, typeof forCode | typeof forToken]>([
    ['two codes', `${honest}&code=d`, 'This answer says something twice', forCode],
    ['the same code twice', `${honest}&code=c`, 'This answer says something twice', forCode],
    ['two states', `${honest}&state=x`, 'This answer says something twice', forCode],
    ['an empty state first', `state=&${honest}`, 'This answer says something twice', forCode],
    [
      'two issuers',
      `${honest}&iss=https%3A%2F%2Fbitbucket.org&iss=x`,
      'This answer says something twice',
      forCode,
    ],
    ['two tokens', 'access_token=a&access_token=b&state=STATE', 'This answer says something twice', forToken],
    [
      'two descriptions',
      'error=e&error_description=a&error_description=b&state=STATE',
      'This answer says something twice',
      forCode,
    ],
    ['an error and a code', `${honest}&error=access_denied`, 'This answer contradicts itself', forCode],
    ['an error and a token', 'access_token=a&error=&state=STATE', 'This answer contradicts itself', forToken],
    ['a code and a token', `${honest}&access_token=a`, 'This answer belongs to another grant', forCode],
    [
      'a token where a code was asked for',
      'access_token=a&state=STATE',
      'This answer belongs to another grant',
      forCode,
    ],
    ['a code where a token was asked for', honest, 'This answer belongs to another grant', forToken],
    [
      'a foreign issuer',
      `${honest}&iss=https%3A%2F%2Fevil.example`,
      'This answer comes from another server',
      forCode,
    ],
    [
      'a foreign issuer of an error',
      'error=access_denied&state=STATE&iss=https%3A%2F%2Fevil.example',
      'This answer comes from another server',
      forCode,
    ],
    [
      'a name that only begins like the issuer',
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
      'the issuer at another port',
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
      'an issuer that is no address',
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
    'the issuer that the person was sent to is taken: %s',
    (iss) => {
      const attempts = newAttempts()
      const attempt = attempts.begin()
      const parameters = new URLSearchParams({ state: attempt.state, code: 'c', iss })
      expect(readCallback(parameters, attempts, forCode)).toEqual({ attempt, parameters })
    },
  )
})

describe('an answer is not complete', () => {
  test('without a code', () => {
    expect(told({}).title).toBe('Bitbucket’s answer is not complete')
    expect(told({ code: '' }).title).toBe('Bitbucket’s answer is not complete')
  })

  test('without a state, whose words could be anybody’s', () => {
    const attempts = newAttempts()
    const read = (query: string) => readCallback(new URLSearchParams(query), attempts, forCode)
    expect(read('code=c')).toMatchObject({ problem: { title: 'This is no answer of Bitbucket’s' } })
    const denied = read('error=access_denied&error_description=Call+555-0100')
    expect(denied).toMatchObject({ problem: { title: 'Access was not granted' } })
    expect(JSON.stringify(denied)).not.toContain('555')
  })

  test('with a state of nobody’s', () => {
    const read = readCallback(
      new URLSearchParams('state=x&error=e&error_description=Call+555'),
      newAttempts(),
      forCode,
    )
    expect(read).toMatchObject({ problem: { title: 'Nobody here asked for this answer' } })
    expect(JSON.stringify(read)).not.toContain('555')
  })
})
