import fc from 'fast-check'
import { expect } from 'vitest'
import { commandNames, parseCommandLine } from '../../src/command-line.ts'
import { TokenError } from '../../src/errors.ts'
import { detectHost } from '../../src/hosts/index.ts'
import {
  inputNames,
  inputTable,
  isAction,
  parseInputs,
  rawInputsOfAction,
  rawInputsOfVariables,
  secretsIn,
  variableOf,
  withoutCredentials,
} from '../../src/inputs.ts'
import { anyText, expectHarmless, outcomeOf, property } from './property.ts'

// Inputs and arguments from a person. No message repeats a value, because any of them may be a secret.

const marker = 'zQ7-a-secret-in-the-wrong-place-7Qz'
const wellTyped = fc.oneof(
  ...Object.values(inputTable).flatMap((input) =>
    'values' in input ? [fc.constantFrom(...input.values)] : [],
  ),
  fc.constantFrom(
    'true',
    'no',
    '7',
    'a@example.com',
    'https://example.com',
    'http://127.0.0.1:1',
    'acme/web',
  ),
)
const marked = fc.tuple(anyText, anyText).map(([before, after]) => before + marker + after)
const given = fc.dictionary(fc.constantFrom(...inputNames), fc.oneof(wellTyped, marked, anyText))

property('inputs', given, async (values) => {
  const asVariables = Object.entries(values).map(([name, value]) => [variableOf(name as 'url'), value])
  const asInputs = Object.entries(values).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  for (const all of [
    rawInputsOfVariables(Object.fromEntries(asVariables), new Map()),
    rawInputsOfAction(Object.fromEntries(asInputs)),
  ]) {
    const inputs = await outcomeOf(() => parseInputs(all))
    if (inputs instanceof TokenError) {
      expect(inputs.code).toBe('input')
      expectHarmless(`${inputs.message}\n${inputs.nextStep}`, marker)
    } else {
      expect(inputs.timeout).toBeGreaterThan(0)
      expect(inputs.url.protocol).toMatch(/^https?:$/)
      expect(JSON.stringify([inputs['client-secret'], inputs['api-token']])).toMatch(/^\[("\*\*\*"|null),/)
    }
    for (const secret of secretsIn(all)) expect(String(secret)).toBe('***')
  }
})

const flag = fc
  .tuple(
    fc.constantFrom('', '-', '--', '---'),
    fc.oneof(fc.constantFrom(...inputNames, 'format', 'all'), anyText),
  )
  .map(([dashes, name]) => dashes + name)
const argument = fc.oneof(
  flag,
  fc.tuple(flag, marked).map(([name, value]) => `${name}=${value}`),
  fc.constantFrom<string>(...commandNames, 'help', '--', 'token', 'json', 'get', '--help', '-h', '--version'),
  marked,
)

property('command line', fc.array(argument, { maxLength: 8 }), async (args) => {
  const line = await outcomeOf(() => parseCommandLine(args))
  if (!(line instanceof TokenError)) return
  expect(line.code).toBe('input')
  expectHarmless(`${line.message}\n${line.nextStep}`, marker)
})

const environment = fc.dictionary(
  fc.oneof(
    fc.constantFrom('CI', 'GITHUB_ACTIONS', 'INPUT_URL', 'TF_BUILD', 'JENKINS_URL', 'BITBUCKET_SCOPES_COUNT'),
    fc.constantFrom('BITBUCKET_API_TOKEN', 'BITBUCKET_GIT_PASSWORD_X', 'BITBUCKET_AUTHORIZATION'),
    anyText,
  ),
  anyText,
)

property('environment: detecting the CI, and the variables of child processes', environment, (env) => {
  expect(typeof detectHost(env)).toBe('string')
  expect(typeof isAction(env)).toBe('boolean')
  expect(rawInputsOfVariables(env, new Map()).from).toBe('variables')
  expect(Object.keys(withoutCredentials(env)).join()).not.toMatch(/API_TOKEN|GIT_PASSWORD_X|_AUTHORIZATION/)
})
