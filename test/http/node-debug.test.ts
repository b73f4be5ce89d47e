import { expect, test } from 'vitest'
import { refuseLeakyNodeSettings } from '../../src/http/node-debug.ts'
import { failure } from '../support/failure.ts'

test.each([
  ...['child_process', 'http', 'http2', 'https', 'net', 'stream', 'tls', 'undici'].map((name) => [
    name,
    name,
  ]),
  ['fs,TLS,net', 'net,tls'],
  ['*', 'child_process,http,http2,https,net,stream,tls,undici'],
  ['h*s', 'https'],
  ['n*', 'net'],
])('refuses NODE_DEBUG=%s, which makes node print secrets', (value, sections) => {
  expect(failure(() => refuseLeakyNodeSettings({ NODE_DEBUG: value }))).toMatchObject({
    code: 'input',
    message: `NODE_DEBUG=${sections} would make node print your secrets.`,
    nextStep: expect.stringMatching(/^Unset NODE_DEBUG .* BITBUCKET_DEBUG=true/),
  })
})

test.each(['', 'fs', 'timer,module', 'ht', 'https2', 'h.tp', '(net', 'net|tls', 'xhttp'])(
  'accepts NODE_DEBUG=%j, as node itself enables no section that prints secrets',
  (value) => {
    refuseLeakyNodeSettings({ NODE_DEBUG: value })
    refuseLeakyNodeSettings({})
  },
)

test.each(['--tls-keylog=/tmp/keys', '--no-warnings --tls-keylog /tmp/keys', '"--tls-keylog=/tmp/keys"'])(
  'refuses NODE_OPTIONS=%s, which would let others decrypt the traffic',
  (value) => {
    expect(failure(() => refuseLeakyNodeSettings({ NODE_OPTIONS: value }))).toMatchObject({
      code: 'input',
      message: expect.stringContaining('NODE_OPTIONS=--tls-keylog'),
      nextStep: 'Remove --tls-keylog from NODE_OPTIONS for this command.',
    })
  },
)

test.each(['', '--max-old-space-size=512', '--title=x--tls-keylog', '--tls-keylogs'])(
  'accepts NODE_OPTIONS=%j',
  (value) => refuseLeakyNodeSettings({ NODE_OPTIONS: value }),
)
