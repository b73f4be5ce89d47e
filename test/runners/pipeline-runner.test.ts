/** @module-tag pipeline-runner @module-tag docker @module-tag bash @module-tag curl @module-tag git @module-tag openssl */
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { makeTree, nameSecrets } from '../e2e/support/run.ts'
import { root } from '../examples/documents.ts'
import { image } from '../image/support/container.ts'
import { readText } from '../metadata/files.ts'
import { pathOfRunner } from './install.ts'
import { exampleIn, expectDone, type HowToRun, runJob, startJob } from './job.ts'

const slow = { timeout: 120_000 }

/** The `docker` of a step. It replaces a pipe's name by its image, and mounts the step's files from a volume of the engine. */
const dockerOfStep = (authority: string): string => `#!/bin/bash
  PATH=\${PATH#*:}
  words=()
  for word; do
    case $word in
      bitbucket-token/bitbucket-token:*) words+=("$STEP_IMAGE") ;;
      --volume=/opt/atlassian/pipelines/agent/build:*) words+=(--volume="$STEP_VOLUME:/opt/atlassian/pipelines/agent") ;;
      --volume=*) ;;
      *) words+=("$word") ;;
    esac
  done
  exec docker run --network=host --env HTTPS_PROXY --env NODE_EXTRA_CA_CERTS \\
    --volume '${authority}:${authority}:ro' "\${words[@]:1}"
`

interface Item {
  pipe?: string
  variables?: Record<string, string>
}

/** Fills in the defaults of pipe.yml for variables that a step omits, as Pipelines does and pipeline-runner does not. */
function withDefaults(text: string): string {
  const { variables } = parse(readText('pipe.yml')) as { variables: { name: string; default?: string }[] }
  const defaults = Object.fromEntries(variables.map(({ name, default: value = '' }) => [name, value]))
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const item = node as Item
    if (item.pipe !== undefined) item.variables = { ...defaults, ...item.variables }
    else for (const child of Object.values(node)) visit(child)
  }
  const file = parse(text) as unknown
  visit(file)
  return stringify(file)
}

/** Runs the pipeline `default`. Its containers also get this machine's programs, because the image has no git. */
async function pipeline(text: string, secrets: Readonly<Record<string, string>> = {}, how: HowToRun = {}) {
  const job = await startJob({ 'bitbucket-pipelines.yml': withDefaults(text) })
  const authority = job.env['NODE_EXTRA_CA_CERTS'] ?? ''
  writeFileSync(join(job.bin, 'docker'), dockerOfStep(authority))
  chmodSync(join(job.bin, 'docker'), 0o755)
  const all = { ...job.secrets, ...secrets }
  nameSecrets(all, job.bitbucket)
  const { HOME: _, TMPDIR: __, XDG_CACHE_HOME: ___, ...env } = job.env
  const variables = join(makeTree(), 'variables')
  const lines = Object.entries({ ...env, ...all, STEP_IMAGE: image }).map(
    ([name, value]) => `${name}='${value}'\n`,
  )
  writeFileSync(variables, lines.join(''))
  const socket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace('unix://', '')
  const mounts = ['/usr', '/bin', '/lib', '/lib64', root, dirname(job.bin), dirname(authority), socket]
  const args = [
    join(import.meta.dirname, 'pipeline-runner.py'),
    'run',
    'default',
    '--no-color',
    `--env-file=${variables}`,
    ...[...new Set(mounts)].filter((path) => existsSync(path)).map((path) => `--volume=${path}:${path}:ro`),
  ]
  const { status, log } = await runJob(job, 'pipeline-runner', args, {
    ...how,
    program: join(dirname(pathOfRunner('pipeline-runner')), 'python'),
    env: { STEP_IMAGE: image },
  })
  expect(status, log).toBe(0)
  // pipeline-runner exits with 0 even if the pipeline failed.
  const [, result] = /Pipeline 'default': (\w+)/.exec(log) ?? []
  return { status: result === 'Successful' ? 0 : 1, log, bitbucket: job.bitbucket }
}

const token = '- pipe: bitbucket-token/bitbucket-token:1.0.0'
const step = (...lines: string[]): string =>
  [
    'pipelines:',
    '  default:',
    '    - step:',
    '        script:',
    ...lines.map((line) => `          ${line}`),
  ].join('\n')

describe.skipIf(image === '')('with the image', () => {
  test.each(['README.md#bitbucket-pipelines', 'docs/ci.md#bitbuckets-self-hosted-runners'])(
    'runs the example %s',
    slow,
    async (name) => {
      const { bitbucket, ...ended } = await pipeline(exampleIn(name))
      expectDone(ended)
      expect(bitbucket.requests.some(({ path, status }) => path.includes('.git/') && status === 200)).toBe(
        true,
      )
      if (name.startsWith('docs/ci.md')) expect(ended.log).toMatch(/Removed .*env\.sh/)
    },
  )

  test('does not mask a secret that the step prints', slow, async () => {
    const text = step(token, '- . .bitbucket-token/env.sh', '- printenv BITBUCKET_AUTHORIZATION')
    const ended = await pipeline(text, {}, { showsSecret: true })
    expectDone(ended)
    expect(ended.log).toMatch(/^Bearer (?!\*)\S{20}/m)
  })

  test('fails the step if the credential is refused', slow, async () => {
    const text = step(token, '- echo the next line')
    const { status, log } = await pipeline(text, { BITBUCKET_CLIENT_SECRET: 'q8Zr3vXk5Yt7Wm2Lb9' })
    expect(status, log).toBe(1)
    expect(log).toMatch(/with exit code: 3$/m)
    expect(log).toContain('Bitbucket refused the client credentials')
    expect(log).not.toMatch(/^the next line/m)
  })
})
