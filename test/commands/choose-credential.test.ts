import { expect, test } from 'vitest'
import { choose } from '../../src/commands/choose-credential.ts'
import { TokenError } from '../../src/errors.ts'
import { plainLog } from '../../src/hosts/plain-log.ts'
import { shell } from '../../src/hosts/shell.ts'
import { rawInputsOfVariables } from '../../src/inputs.ts'
import { fakeRun } from '../support/fake-run.ts'
import { fakeWorld } from '../support/fake-world.ts'

function chosenFrom(env: Record<string, string>) {
  const world = fakeWorld()
  const host = { ...shell(world, undefined, false), log: plainLog(world, false) }
  return choose(fakeRun(world, rawInputsOfVariables(env, new Map()), host))
}

const store = { BITBUCKET_SAVE_REFRESH_TOKEN: 'file:/data/refresh-token' }

test('a store stands for its refresh token', () => {
  const client = { BITBUCKET_CLIENT_ID: 'an-id', BITBUCKET_CLIENT_SECRET: 'a-secret' }
  expect(chosenFrom({ ...client, ...store }).kind).toBe('refresh-token')
})

test('an error names the store, not a refresh token that the user has not set', () => {
  const account = { BITBUCKET_EMAIL: 'someone@example.com', BITBUCKET_API_TOKEN: 'a-token' }
  const attempt = () => chosenFrom({ ...account, ...store })
  expect(attempt).toThrow(TokenError)
  expect(attempt).toThrow(
    'More than one kind of credential was given: BITBUCKET_SAVE_REFRESH_TOKEN, BITBUCKET_EMAIL, BITBUCKET_API_TOKEN.',
  )
})
