import { describe, expect, test } from 'vitest'
import { Attempts } from '../../src/authorize/attempts.ts'
import { readCallback } from '../../src/authorize/callback.ts'

const newAttempts = () => new Attempts({ elapsed: () => 0 })

/** What a person is told of an answer to an attempt that is on its way. */
function told(answer: Record<string, string>) {
  const attempts = newAttempts()
  const { state } = attempts.begin()
  const read = readCallback(new URLSearchParams({ state, ...answer }), attempts, 'code')
  if (!('problem' in read)) throw new Error('it was taken')
  return read.problem
}

test('a code with a state that is on its way is taken, once', () => {
  const attempts = newAttempts()
  const attempt = attempts.begin()
  const parameters = new URLSearchParams({ state: attempt.state, code: 'c' })
  expect(readCallback(parameters, attempts, 'code')).toEqual({ attempt, parameters })
  expect(readCallback(parameters, attempts, 'code')).toMatchObject({
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

test('an error wins over a code, and spends the state', () => {
  const attempts = newAttempts()
  const { state } = attempts.begin()
  const answer = (more: Record<string, string>) =>
    readCallback(new URLSearchParams({ state, code: 'c', ...more }), attempts, 'code')
  expect(answer({ error: 'access_denied' })).toMatchObject({ problem: { title: 'Access was not granted' } })
  expect(answer({})).toMatchObject({ problem: { title: 'This answer was used before' } })
})

describe('an answer is not complete', () => {
  test('without a code', () => {
    expect(told({}).title).toBe('Bitbucket’s answer is not complete')
    expect(told({ code: '' }).title).toBe('Bitbucket’s answer is not complete')
    // The other grant's.
    expect(told({ access_token: 'x' }).title).toBe('Bitbucket’s answer is not complete')
  })

  test('without a state, whose words could be anybody’s', () => {
    const attempts = newAttempts()
    const read = (query: string) => readCallback(new URLSearchParams(query), attempts, 'code')
    expect(read('code=c')).toMatchObject({ problem: { title: 'This is no answer of Bitbucket’s' } })
    const denied = read('error=access_denied&error_description=Call+555-0100')
    expect(denied).toMatchObject({ problem: { title: 'Access was not granted' } })
    expect(JSON.stringify(denied)).not.toContain('555')
  })

  test('with a state of nobody’s', () => {
    const read = readCallback(
      new URLSearchParams('state=x&error=e&error_description=Call+555'),
      newAttempts(),
      'code',
    )
    expect(read).toMatchObject({ problem: { title: 'Nobody here asked for this answer' } })
    expect(JSON.stringify(read)).not.toContain('555')
  })
})
