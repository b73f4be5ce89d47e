import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { NoOperationTraceWriter } from '@actions/workflow-parser'
import { parseAction } from '@actions/workflow-parser/actions/action-parser'
import { describe, expect, test } from 'vitest'
import { inputNames } from '../../src/inputs.ts'
import { outputTable } from '../../src/outputs.ts'
import {
  examplesFor,
  mapsWith,
  parseYaml,
  readText,
  readYaml,
  root,
  workflows,
  type YamlMap,
} from './files.ts'

/** Lists the problems that GitHub's own parser finds, with the schema that GitHub's editors use. */
function problemsIn(content: string): string[] {
  const { context } = parseAction({ name: 'action.yml', content }, new NoOperationTraceWriter())
  return context.errors.getErrors().map(({ message }) => message)
}

describe('action.yml', () => {
  const text = readText('action.yml')
  const action = readYaml('action.yml')
  const inputs = action['inputs'] as Readonly<Record<string, YamlMap>>
  const runs = action['runs'] as Readonly<Record<string, string>>

  test('follows the rules of GitHub', () => {
    expect(problemsIn(text)).toEqual([])
  })

  test.each([
    ['an unknown key', text.replace('author:', 'auther:')],
    ['an icon that the marketplace does not accept', text.replace('icon: lock', 'icon: key')],
    ['an unknown runtime', text.replace('node24', 'node25')],
    ['an unknown key of runs', text.replace('post:', 'past:')],
  ])('is refused with %s', (_, broken) => {
    expect(problemsIn(broken)).not.toEqual([])
  })

  test('has everything that the marketplace requires', () => {
    expect(Object.keys(action).sort()).toEqual(
      ['author', 'branding', 'description', 'inputs', 'name', 'outputs', 'runs'].sort(),
    )
    // GitHub docs, "Publishing actions in GitHub Marketplace": a longer description is cut off.
    expect(String(action['description']).length).toBeLessThanOrEqual(125)
  })

  test('has every input, each optional, with a default that is a string', () => {
    expect(Object.keys(inputs)).toEqual(inputNames)
    for (const { default: usual = '', ...input } of Object.values(inputs)) {
      expect(input).toEqual({ description: expect.any(String), required: false })
      expect(usual).toBeTypeOf('string')
    }
  })

  test('has every output', () => {
    expect(Object.keys(action['outputs'] as YamlMap)).toEqual(Object.keys(outputTable))
  })

  test('names files that exist', () => {
    expect(runs).toEqual({ using: 'node24', main: 'dist/index.js', post: 'dist/index.js' })
    for (const file of [runs['main'], runs['post']]) expect(existsSync(join(root, file ?? ''))).toBe(true)
  })
})

const isThisAction = ({ uses }: YamlMap): boolean => uses === './' || /\/bitbucket-token@/.test(String(uses))

const uses = [...workflows, ...examplesFor('github')]
  .map(({ name, text }) => ({ name, steps: mapsWith('uses', parseYaml(text)).filter(isThisAction) }))
  .filter(({ steps }) => steps.length > 0)

test.each(uses)('$name uses only inputs that this action has', ({ steps }) => {
  for (const step of steps)
    expect(inputNames).toEqual(expect.arrayContaining(Object.keys(step['with'] ?? {})))
})
