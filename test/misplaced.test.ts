import { expect, test } from 'vitest'
import { givenByVariables, givenToAction } from '../src/inputs.ts'

type Environment = Record<string, string>

const asVariables = (env: Environment) => givenByVariables(env, new Map()).misplaced()
const asAction = (env: Environment) => givenToAction(env).misplaced()
const inPlugin = (env: Environment) => asVariables({ CI: 'woodpecker', PLUGIN_DEBUG: 'true', ...env })

test.each<[string, (env: Environment) => readonly string[], Environment, string]>([
  [
    'a variable beside `uses:`',
    asAction,
    { BITBUCKET_CLIENT_ID: 'hunter' },
    'BITBUCKET_CLIENT_ID is set, but a `uses:` step reads its inputs from `with:` alone: give client-id instead.',
  ],
  [
    'an input with an underscore',
    asAction,
    { INPUT_CLIENT_SECRET: 'hunter' },
    'INPUT_CLIENT_SECRET is set, but there is no input of that name: give client-secret instead.',
  ],
  [
    'an input with another name',
    asAction,
    { INPUT_TOKEN: 'hunter' },
    'INPUT_TOKEN is set, but there is no input of that name: give access-token instead.',
  ],
  [
    'an input outside of `uses:`',
    asVariables,
    { 'INPUT_CLIENT-ID': 'hunter' },
    'INPUT_CLIENT-ID is set, but only a `uses:` step of the action has inputs from `with:`: give BITBUCKET_CLIENT_ID instead.',
  ],
  [
    'a setting outside of a plugin step',
    asVariables,
    { PLUGIN_API_TOKEN: 'hunter' },
    'PLUGIN_API_TOKEN is set, but only plugin steps of Drone, Woodpecker and Harness have settings: give BITBUCKET_API_TOKEN instead.',
  ],
  [
    'a setting with another name',
    inPlugin,
    { PLUGIN_KEY: 'hunter' },
    'PLUGIN_KEY is set, but there is no input of that name: give client_id instead.',
  ],
  [
    'a variable with a shorter name',
    asVariables,
    { BITBUCKET_TOKEN: 'hunter' },
    'BITBUCKET_TOKEN is set, but no input has that name: give BITBUCKET_ACCESS_TOKEN instead.',
  ],
  [
    'a variable without the prefix',
    asVariables,
    { CLIENT_SECRET: 'hunter' },
    'CLIENT_SECRET is set, but no input has that name: give BITBUCKET_CLIENT_SECRET instead.',
  ],
  [
    "the variable of Atlassian's documents",
    asVariables,
    { BITBUCKET_APP_PASSWORD: 'hunter' },
    'BITBUCKET_APP_PASSWORD is set, but no input has that name: give BITBUCKET_API_TOKEN instead.',
  ],
  [
    'a variable in lower case',
    asVariables,
    { bitbucket_client_id: 'hunter' },
    'bitbucket_client_id is set, but no input has that name: give BITBUCKET_CLIENT_ID instead.',
  ],
])('%s is told, with the right name and without its value', (_, misplaced, env, hint) => {
  expect(misplaced(env)).toEqual([hint])
})

test.each<[string, readonly string[]]>([
  ['what is read', asVariables({ BITBUCKET_CLIENT_ID: 'key', BITBUCKET_EMAIL: 'a@b.c' })],
  [
    'what an earlier step exported',
    asAction({ BITBUCKET_ACCESS_TOKEN: 'a', BITBUCKET_AUTHORIZATION: 'Bearer a' }),
  ],
  ['what is empty', asVariables({ BITBUCKET_TOKEN: '', INPUT_EMAIL: ' ' })],
  [
    "somebody else's",
    asVariables({ USER: 'a', TOKEN: 'b', INPUT_TOKEN: 'c', PLUGIN_USER: 'd', KEY: 'e', EMAIL: 'f' }),
  ],
  [
    "the CI's own",
    asVariables({ BITBUCKET_BRANCH: 'main', BITBUCKET_STEP_OIDC_TOKEN: 'x', GITHUB_TOKEN: 'y' }),
  ],
])('nothing is said of %s', (_, hints) => {
  expect(hints).toEqual([])
})

test('a long list is cut', () => {
  const env = Object.fromEntries('abcdefghij'.split('').map((_, n) => [`BB_${'_'.repeat(n)}TOKEN`, 'x']))
  expect(asVariables(env)).toHaveLength(6)
})
