import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import { describe, expect, test } from 'vitest'
import { pipelinesSchema } from '../support/programs.ts'
import {
  examplesFor,
  isMap,
  mapsWith,
  npmScripts,
  npmScriptsIn,
  parseYaml,
  readText,
  readYaml,
} from './files.ts'

let isValid: ValidateFunction | undefined

/** Lists the problems that Atlassian's schema finds. */
function problemsIn(pipelines: unknown): string[] {
  isValid ??= new Ajv({ strict: false }).compile(JSON.parse(readFileSync(pipelinesSchema, 'utf8')) as object)
  isValid(pipelines)
  return (isValid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

const examples = examplesFor('pipelines').map(({ name, text }) => ({
  name,
  pipelines: asPipelines(parseYaml(text)),
}))
const ours = { name: 'bitbucket-pipelines.yml', pipelines: readYaml('bitbucket-pipelines.yml') as unknown }

describe.each([ours, ...examples])('$name', ({ pipelines }) => {
  test('follows the schema of Pipelines', { tags: ['bitbucket-pipelines.schema.json'] }, () => {
    expect(problemsIn(pipelines)).toEqual([])
  })

  test('has a script in every step', () => {
    const steps = mapsWith('step', pipelines).map(({ step }) => step)
    expect(steps.length).toBeGreaterThan(0)
    for (const step of steps) expect(step).toHaveProperty('script.0')
  })

  test('names our pipe by its exact version and uses only variables that it has', () => {
    const { variables, image } = readYaml('pipe.yml') as { variables: { name: string }[]; image: string }
    const known = variables.map(({ name }) => name)
    for (const pipe of mapsWith('pipe', pipelines)) {
      const [, name, version] = /^(?:docker:\/\/)?([^:]+):(.+)$/.exec(String(pipe['pipe'])) ?? []
      if (!name?.endsWith('/bitbucket-token')) continue
      expect(version).toBe(image.split(':')[1])
      expect(known).toEqual(expect.arrayContaining(Object.keys(pipe['variables'] ?? {})))
    }
  })
})

describe('bitbucket-pipelines.yml', () => {
  const text = readText('bitbucket-pipelines.yml')

  test.each([
    ['caches that are not a list', text.replace(/caches:\n\s+- npm/, 'caches: npm')],
    ['services that are not a list', text.replace(/services:\n\s+- docker/, 'services: docker')],
    ['a variable that is not a string', text.replace(/(BITBUCKET_REPOSITORY): .*/, '$1: true')],
  ])('is refused with %s', { tags: ['bitbucket-pipelines.schema.json'] }, (_, broken) => {
    expect(broken).not.toBe(text)
    expect(problemsIn(parseYaml(broken))).not.toEqual([])
  })

  test('runs only npm scripts that exist', () => {
    expect(npmScripts).toEqual(expect.arrayContaining(npmScriptsIn(text)))
  })

  test('runs the pipe', () => {
    expect(mapsWith('pipe', parseYaml(text))).toHaveLength(1)
  })
})

/** Completes an example to a whole bitbucket-pipelines.yml. The example is a file, steps, a step, or a script. */
function asPipelines(example: unknown): unknown {
  const inPipeline = (items: unknown) => ({ pipelines: { default: items } })
  if (isMap(example) && 'pipelines' in example) return example
  const steps = Array.isArray(example) ? example : [example]
  if (steps.some((item) => isMap(item) && ('step' in item || 'parallel' in item))) return inPipeline(steps)
  return inPipeline([{ step: Array.isArray(example) ? { script: example } : example }])
}
