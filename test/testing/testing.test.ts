import { expect, test } from 'vitest'
import { createAuthenticatedAPI, getAccessToken } from '../../src/library/index.ts'
import {
  accessToken,
  basicAuth,
  mock,
  opts,
  refreshToken,
  setEnvVars,
  startSandbox,
} from '../../src/testing/index.ts'

test('mock answers for Bitbucket until it is restored', async () => {
  const { requests, restore } = await mock()
  try {
    expect((await getAccessToken(opts.valid)).accessToken).toBe(accessToken)
    const api = await createAuthenticatedAPI(opts.valid)
    expect(await (await api.fetch('/user')).json()).toMatchObject({ type: 'app_user' })
    expect(requests).toEqual([{ authorization: basicAuth(), form: { grant_type: 'client_credentials' } }])
    const renewed = await getAccessToken({ ...opts.valid, refreshToken })
    expect([renewed.accessToken, renewed.refreshToken]).toEqual([accessToken, refreshToken])
  } finally {
    restore()
  }
  const { default: nock } = await import('nock')
  expect(nock.activeMocks()).toEqual([])
})

test('mock refuses as Bitbucket does', async () => {
  const { restore } = await mock()
  try {
    await expect(getAccessToken(opts.invalid)).rejects.toMatchObject({ code: 'credential-refused' })
    await expect(getAccessToken({ ...opts.valid, refreshToken: 'expired' })).rejects.toMatchObject({
      code: 'credential-refused',
    })
  } finally {
    restore()
  }
})

test('mock answers with the given body or status, and restore forgets the tokens', async () => {
  const first = await mock({ body: { access_token: 'another', expires_in: 10 } })
  expect(await getAccessToken(opts.valid)).toMatchObject({ access_token: 'another', expires_in: 10 })
  first.restore()
  const second = await mock({ status: 503 })
  await expect(getAccessToken({ ...opts.valid, retries: 0 })).rejects.toMatchObject({ code: 'unreachable' })
  second.restore()
})

test('setEnvVars sets and removes variables, and restores them', async () => {
  process.env['A_VARIABLE_THAT_WAS'] = 'before'
  const restore = setEnvVars({ A_VARIABLE_THAT_WAS: undefined, A_VARIABLE_THAT_WAS_NOT: 'now' })
  expect([process.env['A_VARIABLE_THAT_WAS'], process.env['A_VARIABLE_THAT_WAS_NOT']]).toEqual([
    undefined,
    'now',
  ])
  restore()
  expect(process.env['A_VARIABLE_THAT_WAS']).toBe('before')
  expect(process.env).not.toHaveProperty('A_VARIABLE_THAT_WAS_NOT')
  delete process.env['A_VARIABLE_THAT_WAS']
})

test('setEnvVars sets the variables of the mock by default, or those of a sandbox', async () => {
  const { requests, restore: end } = await mock()
  const restoreOwn = setEnvVars({
    BITBUCKET_API_TOKEN: 'a-real-token',
    BITBUCKET_CONNECT_APP_KEY: 'a-real-app',
    bitbucketKey: 'an-old-name',
  })
  const unset = setEnvVars()
  await getAccessToken()
  expect(requests[0]?.authorization).toBe(basicAuth())
  expect(process.env).not.toHaveProperty('bitbucketKey')
  unset()
  restoreOwn()
  end()

  const sandbox = await startSandbox()
  const restore = setEnvVars(sandbox.environment())
  const token = await getAccessToken()
  const { clientId, clientSecret } = sandbox.credentials
  expect(sandbox.requests[0]?.headers.authorization).toBe(basicAuth(clientId, clientSecret))
  expect(sandbox.isLive(token.accessToken)).toBe(true)
  restore()
  await sandbox.close()
})
