/** @module-tag act @module-tag git @module-tag openssl */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Bitbucket, startBitbucket } from '../e2e/support/bitbucket.ts'
import { makeTree, nameSecrets } from '../e2e/support/run.ts'
import { commit, copyAction, exampleIn, expectDone, runJob, startJob } from './job.ts'

const slow = { timeout: 120_000 }
const uses = 'bitbucket-token/bitbucket-token@v1'
/** Returns a GitHub expression. A function, because a template literal would evaluate `${` itself. */
const expression = (text: string): string => `\${{ ${text} }}`
const credentials = (id: string, secret: string): string =>
  `client-id: '${expression(id)}', client-secret: '${expression(secret)}'`
const given = `with: { ${credentials('secrets.BITBUCKET_CLIENT_ID', 'secrets.BITBUCKET_CLIENT_SECRET')} }`
const token = `- uses: ${uses}\n  ${given}`
const clone = '- run: git clone --quiet https://bitbucket.org/acme/website.git'

/** Returns a workflow whose first step is the witness, which fails the job at its end if any of our files is left. */
const workflow = (steps: string): string =>
  [
    'on: push',
    'jobs:',
    '  build:',
    '    runs-on: self-hosted',
    '    steps:',
    indented(witness),
    indented(steps),
  ].join('\n')
const witness = '- uses: actions/checkout@v4\n- uses: ./.github/actions/witness'
const indented = (text: string): string => text.trimEnd().replace(/^/gm, '      ')

/** Returns the steps of an example without the `steps:` line. */
const stepsOf = (example: string): string =>
  exampleIn(example)
    .replace(/^steps:\n/, '')
    .replace(/^ {2}/gm, '')

interface Scenario {
  readonly files?: Readonly<Record<string, string>>
  readonly secrets?: (bitbucket: Bitbucket) => Readonly<Record<string, string>>
}

/** Runs a workflow in act's host mode: there is no container, and the job's processes run on this machine. */
async function act(text: string, { files = {}, secrets }: Scenario = {}) {
  const job = await startJob({ '.github/workflows/build.yml': text, ...files })
  cpSync(join(import.meta.dirname, 'actions'), join(job.repository, '.github/actions'), { recursive: true })
  copyAction(job.repository)
  commit(job.repository)
  const release = makeTree()
  copyAction(release)
  const all = { ...job.secrets, ...secrets?.(job.bitbucket) }
  nameSecrets(all, job.bitbucket)
  // Not as environment variables, because act's host mode would pass them to every step.
  const secretFile = join(makeTree(), 'secrets')
  writeFileSync(
    secretFile,
    Object.entries(all)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
  )
  const ended = await runJob(job, 'act', [
    'push',
    '--platform=self-hosted=-self-hosted',
    '--no-cache-server',
    '--pull=false',
    '--action-offline-mode',
    `--local-repository=${uses}=${release}`,
    `--secret-file=${secretFile}`,
  ])
  return { ...ended, bitbucket: job.bitbucket }
}

/** Counts how often `words` occurs in the log. */
const times = (log: string, words: string): number => log.split(words).length - 1
const removed = 'The git-credentials file was removed.'
const leftNothing = 'The witness found 0 files left.'

/** Counts the successful requests to a path. */
const answered = ({ requests }: Bitbucket, path: string): number =>
  requests.filter((request) => request.status === 200 && request.path.startsWith(path)).length

test.each([
  ['docs/ci.md#github-gitea-forgejo', '/sandbox/hello.git/'],
  ['docs/credentials.md#github-actions, new', '/sandbox/hello.git/'],
  ['README.md#github-actions', '/2.0/repositories/'],
  ['docs/security.md#security', '/2.0/repositories/'],
])('runs the example %s', slow, async (name, path) => {
  // Like GitHub, act does not accept a URL in `uses:`.
  const { bitbucket, ...ended } = await act(workflow(stepsOf(name).replace('https://github.com/', '')))
  expectDone(ended)
  expect(ended.log).toContain(leftNothing)
  expect(answered(bitbucket, path)).toBeGreaterThan(0)
})

test('act does not accept a URL in `uses:`', slow, async () => {
  const { status, log } = await act(workflow(`- uses: https://github.com/${uses}`))
  expect([status, log]).toEqual([1, expect.stringContaining('Expected format {org}/{repo}[/path]@ref')])
})

test('masks the secrets that a later step prints', slow, async () => {
  const print = '- run: for name in ACCESS_TOKEN AUTHORIZATION; do printenv "BITBUCKET_$name"; done'
  const output = `- run: echo '${expression('steps.bitbucket.outputs.authorization')}'; cat "$BITBUCKET_GIT_CREDENTIALS_FILE"`
  const ended = await act(workflow([`${token}\n  id: bitbucket`, print, output].join('\n')))
  expectDone(ended)
  expect(ended.log).toMatch(/\| Bearer \*\*\*$/m)
  expect(ended.log).toMatch(/\| https:\/\/x-token-auth:\*\*\*@bitbucket\.org$/m)
})

test('runs `uses: ./`, and its post step', slow, async () => {
  const ended = await act(workflow(`- uses: ./\n  ${given}\n${clone}`))
  expectDone(ended)
  expect(ended.log).toContain(removed)
  expect(ended.log).toContain(leftNothing)
})

test('supports two uses for two servers in one job', slow, async () => {
  const other = await startBitbucket()
  const { clientId, clientSecret } = other.credentials
  const second = `- uses: ${uses}
  with: { ${credentials('secrets.OTHER_ID', 'secrets.OTHER_SECRET')}, url: '${other.url}', api-url: '${other.apiUrl}' }`
  const cloneOther = `- run: git clone --quiet ${other.url}/${other.repository}.git`
  const { bitbucket, ...ended } = await act(workflow([token, second, clone, cloneOther].join('\n')), {
    secrets: () => ({ OTHER_ID: clientId, OTHER_SECRET: clientSecret }),
  })
  expectDone(ended)
  expect(times(ended.log, removed)).toBe(2)
  expect(ended.log).toContain(leftNothing)
  for (const server of [bitbucket, other])
    expect(answered(server, `/${server.repository}.git/`)).toBeGreaterThan(0)
})

test('supports two uses for two repositories of one server in one job', slow, async () => {
  const first = token.replace(/ \}$/, ', git-path: acme/website }')
  // The second credential may not read repositories, so the clone shows that git used the first, although the second came later.
  const second = `- uses: ${uses}
  with: { ${credentials('secrets.OTHER_ID', 'secrets.OTHER_SECRET')}, git-path: acme/shop }`
  const ended = await act(workflow([first, second, clone].join('\n')), {
    secrets(bitbucket) {
      const { clientId, clientSecret } = bitbucket.issue('consumer', { scopes: ['account'] })
      return { OTHER_ID: clientId, OTHER_SECRET: clientSecret }
    },
  })
  expectDone(ended)
  expect(times(ended.log, removed)).toBe(2)
  expect(ended.log).toContain(leftNothing)
})

test('works in a composite action, whose caller gets the outputs and variables', slow, async () => {
  const composite = `
    name: Token
    description: As a team wraps the action
    inputs: { client-id: { required: true }, client-secret: { required: true } }
    outputs: { username: { value: '${expression('steps.bitbucket.outputs.git-username')}' } }
    runs:
      using: composite
      steps:
        - uses: ${uses}
          id: bitbucket
          with: { ${credentials('inputs.client-id', 'inputs.client-secret')} }`
  const steps = [
    `- uses: ./.github/actions/token\n  id: team\n  ${given}`,
    clone,
    `- run: test '${expression('steps.team.outputs.username')}' = x-token-auth`,
  ]
  const ended = await act(workflow(steps.join('\n')), {
    files: { '.github/actions/token/action.yml': composite.replace(/^ {4}/gm, '') },
  })
  expectDone(ended)
  expect(ended.log).toContain(removed)
  expect(ended.log).toContain(leftNothing)
})

test('works in a reusable workflow that inherits the secrets', slow, async () => {
  const reusable = workflow([token, clone].join('\n')).replace('on: push', 'on: { workflow_call: {} }')
  const caller =
    'on: push\njobs:\n  call:\n    uses: ./.github/workflows/reusable.yml\n    secrets: inherit\n'
  const ended = await act(caller, { files: { '.github/workflows/reusable.yml': reusable } })
  expectDone(ended)
  expect(ended.log).toContain(removed)
  expect(ended.log).toContain(leftNothing)
})

test('names the missing input in a reusable workflow without the secrets', slow, async () => {
  const reusable = workflow(token).replace('on: push', 'on: { workflow_call: {} }')
  const caller = 'on: push\njobs:\n  call:\n    uses: ./.github/workflows/reusable.yml\n'
  const { status, log } = await act(caller, { files: { '.github/workflows/reusable.yml': reusable } })
  expect([status, log]).toEqual([1, expect.stringContaining('secrets: inherit')])
})

test('fails the job if the credential is refused, and still cleans up', slow, async () => {
  const steps = [
    token,
    '- run: echo never',
    '- run: test -z "$BITBUCKET_ACCESS_TOKEN" && echo \'no token\'\n  if: always()',
  ]
  const { status, log } = await act(workflow(steps.join('\n')), {
    secrets: () => ({ BITBUCKET_CLIENT_SECRET: 'q8Zr3vXk5Yt7Wm2Lb9' }),
  })
  expect(status, log).toBe(1)
  expect(log).toContain('Bitbucket refused the client credentials')
  expect(log).toContain('| no token')
  expect(log).not.toContain('| never')
  expect(log).toContain(leftNothing)
})

test('lets a later step fetch a private submodule', slow, async () => {
  const add =
    '- run: git init --quiet . && git submodule --quiet add https://bitbucket.org/acme/website.git website'
  const update =
    '- run: git submodule deinit --quiet --force website && rm -rf .git/modules && git submodule --quiet update --init --recursive && test -n "$(ls website)"'
  expectDone(await act(workflow([token, add, update].join('\n'))))
})

test('runs as `npx` in a step of another action, and ignores that action’s inputs', slow, async () => {
  const other = `
    name: Other
    description: Has inputs of its own, with the names of ours
    inputs: { client-id: { default: of-the-other }, configure-git: { default: 'false' } }
    runs:
      using: composite
      steps:
        - run: npx --yes bitbucket-token@1
          shell: bash
          env: { BITBUCKET_CLIENT_ID: '${expression('env.ID')}', BITBUCKET_CLIENT_SECRET: '${expression('env.SECRET')}' }`
  const steps = [
    `- uses: ./.github/actions/other\n  env: { ID: '${expression('secrets.BITBUCKET_CLIENT_ID')}', SECRET: '${expression('secrets.BITBUCKET_CLIENT_SECRET')}' }`,
    clone,
    '- run: printenv BITBUCKET_AUTHORIZATION',
    '- run: npx --yes bitbucket-token@1 cleanup',
  ]
  const ended = await act(workflow(steps.join('\n')), {
    files: { '.github/actions/other/action.yml': other.replace(/^ {4}/gm, '') },
  })
  expectDone(ended)
  expect(ended.log).toMatch(/\| Bearer \*\*\*$/m)
  expect(ended.log).toContain(leftNothing)
})
