import { expect, test } from 'vitest'
import { connectProxy } from '../support/connect-proxy.ts'
import { runBundle } from './support/program.ts'
import { makeTree } from './support/run.ts'

// tunnel (in @actions/http-client) calls the deprecated `new Buffer()` for the password.
test('prints no deprecation warning if the proxy has a password', async () => {
  const proxy = await connectProxy({ status: 403 })
  const { status, stderr } = await runBundle({
    cwd: makeTree(),
    env: {
      HTTPS_PROXY: proxy.url.replace('//', '//user:pass-word-of-proxy@'),
      BITBUCKET_CLIENT_ID: 'the-client',
      BITBUCKET_CLIENT_SECRET: 'uTHbNYGSp5ShOSz5cJxF',
      BITBUCKET_RETRIES: '0',
    },
  })
  const basic = Buffer.from('user:pass-word-of-proxy').toString('base64')
  expect(proxy.heard).toEqual([`bitbucket.org:443 Basic ${basic}`])
  expect([status, stderr]).toEqual([5, expect.not.stringMatching(/deprecat/i)])
})
