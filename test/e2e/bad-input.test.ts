import { describe, expect } from 'vitest'
import { runAction } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { failsEverywhere } from './support/everywhere.ts'
import { runPipe, runShell } from './support/shell.ts'
import { complaint, requestsOf } from './support/transcript.ts'

// Exit status 2: one message that names the input as the user knows it, and no request. test/inputs.test.ts has the other
// values that an input refuses.

type Rule = readonly [rule: string, inputs: Readonly<Record<string, string>>, says: string]

const consumer = { 'client-id': 'a-client-id', 'client-secret': 'Vx7qKm2ZpLw9TnB8rYc3HdFs' }
const appPassword = 'ATBBx7qXk2pLz9mNw4RtYvB8sC3dF6A1E2D3'
const apiToken = { email: 'user@example.com', 'api-token': 'ATATT3xFfGF0Jw5sRk8VbN2mQx7ZtY4p' }
const secret = 'client-secret'
const placeholder = (input: string) => `${input} contains a placeholder instead of a value.`

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: placeholders that people forget to replace
const rules: readonly Rule[] = [
  [
    'quotes around a secret',
    { ...consumer, [secret]: '"a-secret-with-quotes"' },
    `${secret} has quotes around it.`,
  ],
  [
    'a line break in a secret',
    { ...consumer, [secret]: 'a-secret-that-is\nbroken' },
    `${secret} has more than one line.`,
  ],
  ['a GitHub expression', { ...consumer, [secret]: '${{ secrets.CLIENT_SECRET }}' }, placeholder(secret)],
  ['a shell variable', { ...consumer, [secret]: '$CLIENT_SECRET' }, placeholder(secret)],
  [
    'an app password as an API token',
    { ...apiToken, 'api-token': appPassword },
    'api-token is an app password.',
  ],
  [
    'an app password as a client secret',
    { ...consumer, [secret]: appPassword },
    `${secret} is an app password.`,
  ],
  [
    'an invisible character',
    { ...consumer, [secret]: 'Gd4kWq9XzRt2\u0007Mb7v' },
    `${secret} contains an invisible character.`,
  ],
  [
    'a character that HTTP headers do not allow',
    { 'access-token': 'a-token-with-an-ümlaut-in-it' },
    'access-token contains a character that is not allowed in an HTTP header.',
  ],
  [
    'key and secret in one value',
    { ...consumer, 'client-id': 'a-key:and-its-secret' },
    'client-id contains a colon.',
  ],
  ['a user name as email', { ...apiToken, email: 'some-user' }, 'email is not an email address.'],
  [
    'two kinds of credential',
    { ...consumer, ...apiToken },
    'More than one kind of credential was given: client-id, client-secret, email, api-token.',
  ],
  [
    'repository with verify: false',
    { ...consumer, repository: 'acme/website', verify: 'false' },
    'repository needs the check that verify turns off.',
  ],
  ['an invalid boolean', { ...consumer, 'export-env': 'maybe' }, 'export-env is not a boolean.'],
  ['a timeout with a unit', { ...consumer, timeout: '60s' }, 'timeout is not a valid number.'],
  ['an invalid address', { ...consumer, url: 'bitbucket.org' }, 'url is not a web address.'],
  [
    'an address with a password',
    { ...consumer, 'api-url': 'https://user:pass@api.bitbucket.org' },
    'api-url contains a user name or password.',
  ],
  ['an unknown CI', { ...consumer, ci: 'hudson' }, 'ci has an unknown value.'],
]
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: placeholders that people forget to replace

test.each(rules)('exits 2 for %s', async (_, inputs, says) => {
  const bitbucket = await startBitbucket()
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(told.split('\n')[0]).toBe(`error: ${says}`)
  expect(told.split('\n').at(-1)).toBe('exit 2')
  // The lines: what happened, what to do next, the exit status. No request comes before them.
  expect(told.split('\n')).toHaveLength(3)
  expect(bitbucket.requests).toEqual([])
})

describe('exits 2 and lists the credentials if none is given', () => {
  // An empty line in a form or a trailing blank in YAML can turn a secret into a space. A space must not be masked.
  const empty = { 'client-id': '', 'client-secret': ' ', 'access-token': '' }

  test('on GitHub', async ({ bitbucket }) => {
    const run = await runAction({ bitbucket, inputs: empty })
    expect(complaint(run)).toMatchInlineSnapshot(`
      "::error title=bitbucket-token::No credential was given: every input for one is empty.
      Give one of:
      - client-id, client-secret
      - client-id, client-secret, refresh-token
      - email, api-token
      - access-token
      - connect-app-key, connect-client-key, connect-shared-secret
      On GitHub a secret is empty if no secret has that name, in workflows that a fork or Dependabot started (they get no repository secrets), and in a reusable workflow without \`secrets: inherit\`.
      exit 2"
    `)
    expect(requestsOf(run)).toEqual([])
  })

  test.each([
    ['in docker run', runShell, { inputs: empty }, 'In `docker run`, pass each variable: -e NAME.'],
    [
      'in a pipe, where a missing variable arrives as its name',
      runPipe,
      {},
      'In a pipe only the variables under its `variables:` are set. A `$NAME` there must be a repository, workspace or deployment variable. Deployment variables need `deployment:` in the step.',
    ],
  ])('%s', async (_, runThere, step, hint) => {
    const run = await runThere({ bitbucket: await startBitbucket(), ...step })
    const told = complaint(run).split('\n')
    expect(told[0]).toBe('error: No credential was given: every input for one is empty.')
    expect(told).toContain('- BITBUCKET_EMAIL, BITBUCKET_API_TOKEN')
    expect(told.slice(-2)).toEqual([hint, 'exit 2'])
    expect(requestsOf(run)).toEqual([])
  })
})

test('exits 2 and names the missing half of a credential', async ({ bitbucket }) => {
  const run = await runAction({ bitbucket, inputs: { 'client-id': 'a-client-id', 'client-secret': '' } })
  expect(complaint(run)).toMatchInlineSnapshot(`
    "::error title=bitbucket-token::Missing: client-secret.
    The credential "client-credentials" needs client-id, client-secret.
    On GitHub a secret is empty if no secret has that name, in workflows that a fork or Dependabot started (they get no repository secrets), and in a reusable workflow without \`secrets: inherit\`.
    exit 2"
  `)
  expect(requestsOf(run)).toEqual([])
})

test('rejects an access token beside another kind in a step, and ignores it among variables', async ({
  bitbucket,
}) => {
  const inputs = { ...inputsFor.consumer(bitbucket), ...inputsFor.accessToken(bitbucket) }
  const action = await runAction({ bitbucket, inputs })
  expect(complaint(action)).toMatchInlineSnapshot(`
    "::error title=bitbucket-token::More than one kind of credential was given: client-id, client-secret, access-token.
    Give one kind, or choose one with grant.
    exit 2"
  `)
  expect(requestsOf(action)).toEqual([])

  const shell = await runShell({ bitbucket, inputs })
  expect(shell.stderr).toContain(
    'Found and not used: BITBUCKET_ACCESS_TOKEN (perhaps left by an earlier run). This run uses BITBUCKET_CLIENT_ID, BITBUCKET_CLIENT_SECRET.\n',
  )
  expect(requestsOf(shell)).toEqual(['POST /site/oauth2/access_token -> 200'])
  expect(shell.status).toBe(0)
})

test('accepts secrets of any length and with any characters', async ({ bitbucket }) => {
  const inputs = { 'client-id': 'k', 'client-secret': 'pässwörd :/+%&=€ with 日本' }
  const run = await runAction({ bitbucket, inputs })
  const authorization = bitbucket.requests[0]?.headers.authorization?.replace('Basic ', '') ?? ''
  expect(Buffer.from(authorization, 'base64').toString('utf8')).toBe('k:pässwörd :/+%&=€ with 日本')
  expect(run.status).toBe(3)
})

test('tells a `uses:` step with variables to use `with:`', async ({ bitbucket }) => {
  const env = {
    BITBUCKET_CLIENT_ID: 'a-client-id',
    BITBUCKET_CLIENT_SECRET: 'Vx7qKm2ZpLw9TnB8rYc3HdFs',
  }
  const run = await runAction({ bitbucket, inputs: {}, env })
  expect([run.status, requestsOf(run)]).toEqual([2, []])
  expect(complaint(run)).toContain(
    'BITBUCKET_CLIENT_SECRET is set, but a `uses:` step reads its inputs only from `with:`. Use client-secret instead.',
  )
})
