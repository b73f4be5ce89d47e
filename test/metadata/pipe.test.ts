import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { parseYaml, readText, type YamlMap } from './files.ts'

const text = { type: 'string', minLength: 1 }
const address = { type: 'string', pattern: '^https://' }
const party = {
  type: 'object',
  required: ['name', 'website'],
  additionalProperties: false,
  properties: { name: text, website: address, email: text },
}

/** Atlassian publishes no schema of pipe.yml. This describes what the pipes in its list have in common. */
const schema = {
  type: 'object',
  required: [
    'name',
    'image',
    'description',
    'category',
    'repository',
    'vendor',
    'maintainer',
    'tags',
    'variables',
  ],
  additionalProperties: false,
  properties: {
    name: text,
    // The digest is in the tags on Bitbucket (release.yml).
    image: {
      type: 'string',
      pattern: '^[a-z0-9]+/[a-z0-9-]+:\\d+\\.\\d+\\.\\d+(@sha256:[0-9a-f]{64})?$',
    },
    description: text,
    category: { enum: ['Security'] },
    icon: address,
    // The list contains the repository's address, not the image's.
    repository: { type: 'string', pattern: '^https://bitbucket\\.org/[\\w-]+/[\\w-]+$' },
    vendor: party,
    maintainer: party,
    tags: { type: 'array', minItems: 1, uniqueItems: true, items: text },
    variables: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['name', 'default'],
        additionalProperties: false,
        properties: {
          name: { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$' },
          // Only strings, because the container would get a boolean or a number in another form.
          default: { type: 'string' },
        },
      },
    },
  },
}

const isValid = new Ajv().compile(schema)
const problemsIn = (pipe: unknown): unknown[] => (isValid(pipe) ? [] : (isValid.errors ?? []))

describe('pipe.yml', () => {
  const source = readText('pipe.yml')
  const pipe = parseYaml(source) as {
    image: string
    variables: { name: string; default: string }[]
  } & YamlMap

  test('has the form of real pipes', () => {
    expect(problemsIn(pipe)).toEqual([])
  })

  test('has the form of real pipes with the digest of the image', () => {
    const pinned = source.replace(/^image: .*/m, `$&@sha256:${'0'.repeat(64)}`)
    expect(problemsIn(parseYaml(pinned))).toEqual([])
  })

  test.each([
    ['a moving tag', source.replace(/(image: .*:).*/, '$1latest')],
    ['a misspelt key', source.replace('repository:', 'respository:')],
    [
      'a key that variables do not have',
      source.replace('variables:', 'variables:\n  - { name: A, default: b, secret: true }'),
    ],
    ['a default that is not a string', source.replace(/default: "true"/, 'default: true')],
  ])('is refused with %s', (_, broken) => {
    expect(broken).not.toBe(source)
    expect(problemsIn(parseYaml(broken))).not.toEqual([])
  })

  test('names the image of this version', () => {
    const { version } = JSON.parse(readText('package.json')) as { version: string }
    expect(pipe.image.split(':')[1]).toBe(version)
  })

  test('has a variable for every input, and the debug switch has the same name as in all pipes', () => {
    const names = inputNames.map((name) => (name === 'debug' ? 'DEBUG' : variableOf(name)))
    expect(pipe.variables.map(({ name }) => name)).toEqual(names)
  })

  test('takes credentials from the repository’s variables', () => {
    for (const name of ['BITBUCKET_CLIENT_ID', 'BITBUCKET_CLIENT_SECRET', 'BITBUCKET_API_TOKEN']) {
      expect(pipe.variables).toContainEqual({ name, default: `$${name}` })
    }
  })
})
