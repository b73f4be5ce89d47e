/** @module-tag git @module-tag openssl @module-tag sh @module-tag process */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts'
import { asVariables, inputsFor } from '../e2e/support/bitbucket.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { startBitbucketOrg } from '../examples/bitbucket-org.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { cache, programs, whyMissing } from './install.ts'
import { packages } from './packages.ts'
import { clients } from './table.ts'

const execute = promisify(execFile)

type Credential = 'consumer' | 'apiToken'

/** A job in which the program has run. */
interface Job {
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
}

async function startJob(bitbucket: Sandbox, credential: Credential): Promise<Job> {
  const { url, apiUrl, repository } = bitbucket
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-clients-'))
  const env = {
    BITBUCKET_URL: url,
    BITBUCKET_API_URL: apiUrl,
    REPOSITORY: `${url}/${repository}.git`,
    ...asVariables(inputsFor[credential](bitbucket)),
  }
  await execute(process.execPath, [bundle], { cwd: directory, env: { PATH: pathWithoutProject, ...env } })
  return { directory, env }
}

/** Adds the files that make the job's repository a package for each package manager. */
async function addPackages(job: Job): Promise<void> {
  await step(job, job.directory, 'git clone --quiet "$REPOSITORY" hello')
  for (const [name, text] of Object.entries(packages)) {
    const path = join(job.directory, 'hello', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const push =
    'cd hello; git add .; git commit --quiet --message "Add packages"; git push --quiet origin HEAD'
  await step(job, job.directory, push)
}

/** Runs a script as a step of the job, with an empty home directory. An error contains what the script printed. */
async function step(job: Job, cwd: string, script: string): Promise<string> {
  const home = join(cwd, 'home')
  mkdirSync(home, { recursive: true })
  const sourced = `. '${job.directory}/.bitbucket-token/env.sh'\n${script}`
  const { stdout, stderr } = await execute('sh', ['-eu', '-c', sourced], {
    cwd,
    timeout: 100_000,
    env: {
      PATH: [join(cache, 'pip/bin'), join(cache, 'npm/node_modules/.bin'), pathWithoutProject].join(':'),
      HOME: home,
      // rustup needs this to find its toolchains.
      RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
      CARGO_HOME: join(home, 'cargo'),
      GOFLAGS: '-modcacherw',
      GOTOOLCHAIN: 'local',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      COMPOSER_ALLOW_SUPERUSER: '1',
      ...names,
      ...job.env,
      CLIENTS: cache,
      PROGRAMS: programs,
    },
  })
  return stdout + stderr
}

const names = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'Test'],
    [`GIT_${who}_EMAIL`, 'test@example.com'],
  ]),
)

let sandbox: Sandbox
let jobs: Readonly<Record<Credential, Job>>

beforeAll(async () => {
  sandbox = await startSandbox()
  jobs = { consumer: await startJob(sandbox, 'consumer'), apiToken: await startJob(sandbox, 'apiToken') }
  await addPackages(jobs.consumer)
})

afterAll(async () => {
  await sandbox?.close()
  for (const { directory } of Object.values(jobs ?? {})) rmSync(directory, { recursive: true, force: true })
})

const cases = Object.entries(clients).flatMap(([name, client]) =>
  client.cases.map((one) => ({ name, client, ...one })),
)

test.for(cases)(
  '$name with $given',
  { timeout: 120_000 },
  async ({ name, client, script, says, answer, credential: given }, context) => {
    const credential = given ?? 'consumer'
    const missing = whyMissing(name)
    context.skip(missing !== undefined, missing)
    const directory = temporaryDirectory()
    const { versionCommand } = client
    context.task.meta.client = {
      name,
      version:
        versionCommand === undefined
          ? client.version
          : versionIn(await step(jobs.consumer, directory, versionCommand)),
    }
    if (answer !== undefined) {
      expect(await firstAnswer(directory, script, credential)).toBe(answer)
      return
    }
    const run = step(jobs[credential], directory, script)
    await (says === undefined ? run : expect(run).rejects.toThrow(says))
  },
)

test.each([
  ['go/go.mod', 'go-git', ' v'],
  ['go/go.mod', 'go-bitbucket', ' v'],
  ['java/pom.xml', 'JGit', '<version>'],
])('%s has the version of %s that the table lists', (file, name, before) => {
  expect(readFileSync(join(programs, file), 'utf8')).toContain(`${before}${clients[name]?.version}`)
})

/** Returns the status of the API's answer to the script's first request for https://bitbucket.org. */
async function firstAnswer(directory: string, script: string, credential: Credential) {
  const { bitbucket, authority, env } = await startBitbucketOrg(join(directory, 'keys'), {})
  const job = await startJob(bitbucket, credential)
  onTestFinished(() => rmSync(job.directory, { recursive: true, force: true }))
  const before = bitbucket.requests.length
  const withProxy = { ...job, env: { ...job.env, ...env, SSL_CERT_FILE: authority } }
  // The script always fails in the end, because the sandbox does not play the rest of the API.
  await step(withProxy, directory, script).catch(() => {})
  return bitbucket.requests[before]?.status
}

function versionIn(text: string): string {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? text
}

declare module 'vitest' {
  interface TaskMeta {
    client?: { readonly name: string; readonly version: string }
  }
}
