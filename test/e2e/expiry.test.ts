import { describe, expect } from 'vitest'
import { errorsIn, summaryText } from '../support/summary-text.ts'
import { runAction } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { runPipe, runShell } from './support/shell.ts'
import { complaint } from './support/transcript.ts'

// Stored tokens expire without notice: cli/cli#11934, vitodeploy/vito#916.

/** Loads a clock that stands at noon (UTC) of a day. */
const onDay = (day: string) => ({
  preload: `data:text/javascript,const now=Date.parse('${day}T12:00:00Z');Date.now=()=>now`,
})
const expiry = { 'expires-on': '2027-03-01' }
const apiTokenPage = 'https://id.atlassian.com/manage-profile/security/api-tokens'

describe('from warn-before days before expires-on', () => {
  test('the action warns in an annotation and in the job summary, and succeeds', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
    const run = await runAction({ bitbucket, inputs, ...onDay('2027-02-01') })
    expect(complaint(run)).toMatchInlineSnapshot(`
      "::warning title=bitbucket-token::The API token expires in 28 days (2027-03-01, according to expires-on).
      Create a new API token with the same scopes at https://id.atlassian.com/manage-profile/security/api-tokens. Then store it, and set expires-on to its date.
      Bitbucket credential: Kind API token (api_token); Account Sandbox User; Scopes read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket; Expires in 28 days (2027-03-01, according to expires-on).
      exit 0"
    `)
    expect(summaryText(run.summary).split('\n').slice(-5)).toMatchInlineSnapshot(`
      [
        "| Scopes | read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket |",
        "| Expires | in 28 days (2027-03-01, according to expires-on) |",
        "| What to do | Create a new API token with the same scopes at https://id.atlassian.com/manage-profile/security/api-tokens. Then store it, and set expires-on to its date. |",
        "",
        "",
      ]
    `)
    expect(run.outputs).not.toHaveProperty('expires-at')
  })

  test.each([
    ['a pipe', runPipe],
    ['a shell', runShell],
  ])('%s warns on stderr, and succeeds', async (_, runThere) => {
    const bitbucket = await startBitbucket()
    const inputs = { ...inputsFor.accessToken(bitbucket), ...expiry }
    const run = await runThere({ bitbucket, inputs, ...onDay('2027-02-28') })
    expect([run.status, run.stdout]).toEqual([0, ''])
    expect(run.stderr).toContain(
      'warning: The access token expires in 1 day (2027-03-01, according to BITBUCKET_EXPIRES_ON).\nCreate a new access token',
    )
  })

  test('print warns on stderr, and stdout holds only the token', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
    const options = { bitbucket, inputs, args: ['print'], showsSecret: true, ...onDay('2027-03-01') } as const
    const run = await runShell(options)
    expect([run.status, run.stdout]).toEqual([0, `${bitbucket.credentials.apiToken}\n`])
    expect(run.stderr).toContain('warning: The API token expires today (2027-03-01, ')
  })

  test('exec warns once, before the command runs', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
    const args = ['exec', '--', 'sh', '-c', 'echo the command runs >&2']
    const run = await runShell({ bitbucket, inputs, args, givesToCommand: true, ...onDay('2027-02-27') })
    expect(run.status).toBe(0)
    expect(run.stderr).toMatch(/warning: The API token expires in 2 days .*the command runs/s)
    expect(run.stderr.match(/warning:/g)).toHaveLength(1)
  })

  test('check warns, and reports the date', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
    const there = { bitbucket, inputs, ...onDay('2027-02-20') }
    const text = await runShell({ ...there, args: ['check'] })
    expect(text.status).toBe(0)
    expect(text.stdout).toMatch(/^ {2}Expires +in 9 days \(2027-03-01, according to BITBUCKET_EXPIRES_ON\)$/m)
    for (const said of [text.stdout, text.stderr]) expect(said).toContain(apiTokenPage)
    const json = await runShell({ ...there, args: ['check', '--format', 'json'] })
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      expires_at: null,
      expires_on: '2027-03-01',
      notes: expect.arrayContaining([expect.stringContaining(apiTokenPage)]),
    })
  })
})

test('after that date, a refusal says that it is the likely reason', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
  bitbucket.revoke(bitbucket.credentials.apiToken)
  const run = await runAction({ bitbucket, inputs, ...onDay('2027-03-03') })
  expect(run.status).toBe(3)
  expect(errorsIn(run.summary)).toEqual([
    expect.stringContaining(
      'The API token expired 2 days ago (2027-03-01, according to expires-on). That is the likely reason.\nCreate a new API',
    ),
  ])
})

test('check says so too, in both formats', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.accessToken(bitbucket), ...expiry }
  bitbucket.revoke(bitbucket.credentials.accessToken)
  const args = ['check', '--format', 'json']
  const run = await runShell({ bitbucket, inputs, args, ...onDay('2027-03-02') })
  expect(run.status).toBe(3)
  const says = expect.stringContaining('The access token expired 1 day ago')
  expect([run.stderr, JSON.parse(run.stdout).problems[0].message]).toEqual([says, says])
})

test('git-credential does not warn, because git runs it again and again', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
  const { host, protocol } = new URL(bitbucket.url)
  const run = await runShell({
    bitbucket,
    inputs,
    args: ['git-credential', 'get'],
    stdin: `protocol=${protocol.slice(0, -1)}\nhost=${host}\n\n`,
    showsSecret: true,
    ...onDay('2027-03-01'),
  })
  expect([run.status, run.stderr]).toEqual([0, ''])
  expect(run.stdout).toBe(`username=x-bitbucket-api-token-auth\npassword=${bitbucket.credentials.apiToken}\n`)
})

test('a dry run shows the date', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.apiToken(bitbucket), ...expiry }
  const run = await runShell({ bitbucket, inputs, args: ['--dry-run'], ...onDay('2027-02-27') })
  expect(run.stderr).toMatch(
    /^ {2}Expires +in 2 days \(2027-03-01, according to BITBUCKET_EXPIRES_ON\), with a warning$/m,
  )
})
