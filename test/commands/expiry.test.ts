import { expect, test } from 'vitest'
import { checkAndWarnOfExpiry, expiryFromUser } from '../../src/commands/expiry.ts'
import type { CredentialKind } from '../../src/credentials/index.ts'
import { credentialKinds } from '../../src/credentials/index.ts'
import { TokenError } from '../../src/errors.ts'
import { plainLog } from '../../src/hosts/plain-log.ts'
import { shell } from '../../src/hosts/shell.ts'
import { rawInputsOfAction } from '../../src/inputs.ts'
import { fakeRun } from '../support/fake-run.ts'
import { fakeWorld } from '../support/fake-world.ts'

const noon = Date.parse('2026-11-21T12:00:00Z')

function runWith(inputs: { 'expires-on'?: string; 'warn-before'?: string }, now = noon) {
  const world = fakeWorld({ now: () => now })
  const env = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
  )
  const run = fakeRun(world, rawInputsOfAction(env), {
    ...shell(world, undefined, false),
    log: plainLog(world, false),
  })
  return { run, world }
}

const refused = new TokenError(
  'credential-refused',
  'Bitbucket refused the token (status 401).',
  'Check in this order:\n- …',
)
const fail = (error: Error) => () => Promise.reject(error)

async function saidBy(
  inputs: Parameters<typeof runWith>[0],
  kind: CredentialKind = 'api-token',
): Promise<string> {
  const { run, world } = runWith(inputs)
  await checkAndWarnOfExpiry(kind, run, async () => {})
  return world.err()
}

test('says the date, and where to make another token of the same kind', async () => {
  const inputs = { 'expires-on': '2026-12-01' }
  expect(await saidBy(inputs)).toMatchInlineSnapshot(`
    "warning: The API token expires in 10 days (2026-12-01, according to expires-on).
    Create a new API token with the same scopes at https://id.atlassian.com/manage-profile/security/api-tokens. Then store it, and set expires-on to its date.
    "
  `)
  expect(await saidBy(inputs, 'access-token')).toMatchInlineSnapshot(`
    "warning: The access token expires in 10 days (2026-12-01, according to expires-on).
    Create a new access token with the same scopes in the settings of its repository, project or workspace → Access tokens. Then store it, and set expires-on to its date.
    "
  `)
})

test.each([
  ['2026-12-21', undefined, 'expires in 30 days'],
  ['2026-12-22', undefined, ''],
  ['2026-12-21', '29', ''],
  ['2026-11-22', '1', 'expires in 1 day ('],
  ['2026-11-22', '0', ''],
  ['2026-11-21', '0', 'expires today ('],
  ['2026-11-20', '0', 'expired 1 day ago ('],
  ['2025-11-21', '0', 'expired 365 days ago ('],
  // A warning in each run of the token's life, if that is what the user wants.
  ['2027-11-21', '365', 'expires in 365 days'],
])('expires-on %s, warn-before %s: %j', async (day, before, words) => {
  const said = await saidBy({ 'expires-on': day, ...(before !== undefined && { 'warn-before': before }) })
  expect(said).toContain(words)
  if (words === '') expect(said).toBe('')
})

test('counts days in UTC, from midnight to midnight', () => {
  const at = (time: string) =>
    expiryFromUser('api-token', runWith({ 'expires-on': '2026-11-22' }, Date.parse(time)).run)
  expect(at('2026-11-21T23:59:59Z')).toMatchObject({
    isOver: false,
    inWords: expect.stringMatching(/^in 1 day/),
  })
  expect(at('2026-11-22T00:00:00Z')).toMatchObject({ isOver: true, inWords: expect.stringMatching(/^today/) })
})

test('from that day on, says that it is the likely reason of a refusal, and gives the other reasons too', async () => {
  const { run, world } = runWith({ 'expires-on': '2026-11-21' })
  const error = await checkAndWarnOfExpiry('api-token', run, fail(refused)).catch((error) => error)
  expect([error.code, error.exitStatus]).toEqual(['credential-refused', 3])
  expect(`${error.message}\n${error.nextStep}`).toMatchInlineSnapshot(`
    "Bitbucket refused the token (status 401). The API token expires today (2026-11-21, according to expires-on). That is the likely reason.
    Create a new API token with the same scopes at https://id.atlassian.com/manage-profile/security/api-tokens. Then store it, and set expires-on to its date.
    If that was not the reason:
    Check in this order:
    - …"
  `)
  // The error says it already.
  expect(world.err()).toBe('')
})

test('before that day, a refusal has another reason, and the warning stays', async () => {
  const { run, world } = runWith({ 'expires-on': '2026-11-22' })
  await expect(checkAndWarnOfExpiry('api-token', run, fail(refused))).rejects.toBe(refused)
  expect(world.err()).toContain('expires in 1 day')
})

test('an error that is not a refusal stays as it is, and the warning too', async () => {
  const unreachable = new TokenError('unreachable', 'No answer.', 'Try again.')
  const { run, world } = runWith({ 'expires-on': '2026-11-01' })
  await expect(checkAndWarnOfExpiry('api-token', run, fail(unreachable))).rejects.toBe(unreachable)
  expect(world.err()).toContain('expired 20 days ago')
})

test.each(credentialKinds.filter((kind) => !['api-token', 'access-token'].includes(kind)))(
  'warns that expires-on has no effect on %s',
  async (kind) => {
    expect(await saidBy({ 'expires-on': '2026-11-01' }, kind)).toMatch(
      /^warning: expires-on has no effect\. It is the date of an API token or access token, but this run uses: .+\.\nRemove expires-on\.\n$/,
    )
    expect(await saidBy({}, kind)).toBe('')
  },
)

test('says nothing without expires-on', async () => {
  expect(await saidBy({ 'warn-before': '365' })).toBe('')
})
