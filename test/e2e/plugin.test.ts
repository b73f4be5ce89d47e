import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Bitbucket, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { makeTree } from './support/run.ts'
import { runShell } from './support/shell.ts'
import { complaint } from './support/transcript.ts'

const ci: Record<string, Record<string, string>> = {
  Drone: { DRONE: 'true' },
  Woodpecker: { CI: 'woodpecker' },
  Harness: { HARNESS_BUILD_ID: '7', DRONE: 'true' },
}

/** Returns inputs as the settings of a plugin step. */
const settings = (inputs: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      `PLUGIN_${name.toUpperCase().replaceAll('-', '_')}`,
      value,
    ]),
  )

const runPlugin = (bitbucket: Bitbucket, name: string, inputs: Readonly<Record<string, string>>) =>
  runShell({ bitbucket, env: { ...ci[name], ...settings(inputs) } })

test.each(Object.keys(ci))('a plugin step of %s reads its settings', async (name) => {
  const bitbucket = await startBitbucket()
  const run = await runPlugin(bitbucket, name, {
    ...inputsFor.consumer(bitbucket),
    scopes: 'account,repository',
  })
  expect([run.status, existsSync(join(run.cwd, '.bitbucket-token/env.sh'))]).toEqual([0, true])
})

test.each(Object.keys(ci))(
  'a plugin step of %s reads the name of a bad setting in the error',
  async (name) => {
    const bitbucket = await startBitbucket()
    const run = await runPlugin(bitbucket, name, {
      ...inputsFor.consumer(bitbucket),
      'client-secret': '"quoted-secret-value"',
    })
    expect([run.status, complaint(run)]).toEqual([
      2,
      expect.stringContaining('client_secret has quotes around it.'),
    ])
  },
)

test.each(Object.keys(ci))('a plugin step of %s warns before its token expires', async (name) => {
  const bitbucket = await startBitbucket()
  // As Woodpecker passes a date without quotes.
  const day = name === 'Woodpecker' ? '"2020-03-01T00:00:00Z"' : '2020-03-01'
  const inputs = { ...inputsFor.accessToken(bitbucket), 'expires-on': day, 'warn-before': '10' }
  const run = await runPlugin(bitbucket, name, inputs)
  expect(run.status).toBe(0)
  expect(run.stderr).toMatch(
    /warning: The access token expired \d+ days ago \(2020-03-01, according to expires_on\)\.\n/,
  )
})

test('a secret from a setting is not shown, and child processes do not get it', async ({ bitbucket }) => {
  const inputs = {
    ...inputsFor.refreshToken(bitbucket),
    'save-refresh-token': 'command:cat >/dev/null; env >env',
  }
  const env = { ...ci['Woodpecker'], ...settings(inputs) }
  const run = await runShell({ bitbucket, env, tree: makeTree() })
  expect(run.status).toBe(0)
  // The canary of runShell has checked the file `env`, the log and the environments of children.
  expect(existsSync(join(run.cwd, 'env'))).toBe(true)
})
