import { expect, test } from 'vitest'
import { rawInputsOfAction, rawInputsOfVariables } from '../src/inputs.ts'

type Environment = Record<string, string>

const asVariables = (env: Environment) => rawInputsOfVariables(env, new Map()).variableHints()
const asAction = (env: Environment) => rawInputsOfAction(env).variableHints()
const inPlugin = (env: Environment) => asVariables({ CI: 'woodpecker', PLUGIN_DEBUG: 'true', ...env })

test.each<[string, (env: Environment) => readonly string[], Environment, string]>([
  [
    'a variable next to `uses:`',
    asAction,
    { BITBUCKET_CLIENT_ID: 'hunter' },
    'BITBUCKET_CLIENT_ID is set, but a `uses:` step reads its inputs only from `with:`. Use client-id instead.',
  ],
  [
    'an input with an underscore',
    asAction,
    { INPUT_CLIENT_SECRET: 'hunter' },
    'INPUT_CLIENT_SECRET is set, but no input has that name. Use client-secret instead.',
  ],
  [
    'an input with another name',
    asAction,
    { INPUT_TOKEN: 'hunter' },
    'INPUT_TOKEN is set, but no input has that name. Use access-token instead.',
  ],
  [
    'an `INPUT_` variable outside `uses:`',
    asVariables,
    { 'INPUT_CLIENT-ID': 'hunter' },
    'INPUT_CLIENT-ID is set, but only a `uses:` step of the action reads `INPUT_` variables. Use BITBUCKET_CLIENT_ID instead.',
  ],
  [
    'a `PLUGIN_` variable outside a plugin step',
    asVariables,
    { PLUGIN_API_TOKEN: 'hunter' },
    'PLUGIN_API_TOKEN is set, but only plugin steps of Drone, Woodpecker and Harness read `PLUGIN_` variables. Use BITBUCKET_API_TOKEN instead.',
  ],
  [
    'a setting with another name',
    inPlugin,
    { PLUGIN_KEY: 'hunter' },
    'PLUGIN_KEY is set, but no input has that name. Use client_id instead.',
  ],
  [
    'a variable with a shorter name',
    asVariables,
    { BITBUCKET_TOKEN: 'hunter' },
    'BITBUCKET_TOKEN is set, but no input has that name. Use BITBUCKET_ACCESS_TOKEN instead.',
  ],
  [
    'a variable without the prefix',
    asVariables,
    { CLIENT_SECRET: 'hunter' },
    'CLIENT_SECRET is set, but no input has that name. Use BITBUCKET_CLIENT_SECRET instead.',
  ],
  [
    "the variable of Atlassian's documents",
    asVariables,
    { BITBUCKET_APP_PASSWORD: 'hunter' },
    'BITBUCKET_APP_PASSWORD is set, but no input has that name. Use BITBUCKET_API_TOKEN instead.',
  ],
  [
    'a variable in lower case',
    asVariables,
    { bitbucket_client_id: 'hunter' },
    'bitbucket_client_id is set, but no input has that name. Use BITBUCKET_CLIENT_ID instead.',
  ],
])('reports %s, with the right name and without the value', (_, hintsOn, env, hint) => {
  expect(hintsOn(env)).toEqual([hint])
})

test.each([
  ['client-id', ['CONSUMER_KEY', 'OAUTH_KEY', 'OAUTH_CONSUMER_KEY', 'OAUTH_CLIENT_ID', 'KEY']],
  [
    'client-secret',
    ['CONSUMER_SECRET', 'OAUTH_SECRET', 'OAUTH_CONSUMER_SECRET', 'OAUTH_CLIENT_SECRET', 'SECRET'],
  ],
  ['refresh-token', ['OAUTH_REFRESH_TOKEN']],
  ['email', ['USER_EMAIL', 'ATLASSIAN_EMAIL', 'USERNAME', 'USER']],
  ['api-token', ['USER_API_TOKEN', 'ATLASSIAN_API_TOKEN', 'APP_PASSWORD', 'PASSWORD']],
  ['access-token', ['REPOSITORY_ACCESS_TOKEN', 'WORKSPACE_ACCESS_TOKEN', 'OAUTH_TOKEN', 'TOKEN']],
])('knows other names that people give %s: %j', (input, words) => {
  const right = `BITBUCKET_${input.toUpperCase().replaceAll('-', '_')}`
  for (const word of words)
    expect(asVariables({ [`BITBUCKET_${word}`]: 'hunter' })).toEqual([
      `BITBUCKET_${word} is set, but no input has that name. Use ${right} instead.`,
    ])
})

test.each<[string, readonly string[]]>([
  ['a variable that is read', asVariables({ BITBUCKET_CLIENT_ID: 'key', BITBUCKET_EMAIL: 'a@b.c' })],
  [
    'variables that an earlier step exported',
    asAction({ BITBUCKET_ACCESS_TOKEN: 'a', BITBUCKET_AUTHORIZATION: 'Bearer a' }),
  ],
  ['an empty variable', asVariables({ BITBUCKET_TOKEN: '', INPUT_EMAIL: ' ' })],
  [
    'a variable for another program',
    asVariables({ USER: 'a', TOKEN: 'b', INPUT_TOKEN: 'c', PLUGIN_USER: 'd', KEY: 'e', EMAIL: 'f' }),
  ],
  [
    "the CI's own variables",
    asVariables({ BITBUCKET_BRANCH: 'main', BITBUCKET_STEP_OIDC_TOKEN: 'x', GITHUB_TOKEN: 'y' }),
  ],
])('does not report %s', (_, hints) => {
  expect(hints).toEqual([])
})

test('reports at most six variables', () => {
  const env = Object.fromEntries('abcdefghij'.split('').map((_, n) => [`BB_${'_'.repeat(n)}TOKEN`, 'x']))
  expect(asVariables(env)).toHaveLength(6)
})
