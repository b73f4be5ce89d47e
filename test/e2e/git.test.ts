import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { type ActionRun, runAction } from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { killSwitch } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { git, runShell, shells } from './support/shell.ts'

/** Runs the action with client credentials. Its variables and job are those of later steps. */
async function runBeforeGit(bitbucket: Bitbucket, inputs = {}): Promise<ActionRun> {
  return runAction({ bitbucket, inputs: { ...inputsFor.consumer(bitbucket), ...inputs } })
}

describe('in later steps of a GitHub job', () => {
  test('git clones, commits and pushes', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    await git(job.workspace, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`)
    const clone = join(job.workspace, 'hello')
    await git(clone, env, 'commit', '--quiet', '--allow-empty', '--message', 'From the job')
    await git(clone, env, 'push', '--quiet', 'origin', 'HEAD:from-the-job')
    const heads = await git(clone, env, 'ls-remote', '--heads', 'origin', 'from-the-job')
    expect(heads).toContain('refs/heads/from-the-job')
  })

  test('credential.useHttpPath changes nothing', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const url = `${bitbucket.url}/sandbox/hello.git`
    await git(job.workspace, env, '-c', 'credential.useHttpPath=true', 'clone', '--quiet', url)
    expect(existsSync(join(job.workspace, 'hello/README.md'))).toBe(true)
  })

  test('with rewrite-ssh-urls, git clones and gets submodules by SSH address', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket, { 'rewrite-ssh-urls': 'true' })
    const host = new URL(bitbucket.url).hostname
    await git(job.workspace, env, 'clone', '--quiet', `ssh://git@${host}/sandbox/hello.git`, 'first')
    const first = join(job.workspace, 'first')
    await git(first, env, 'submodule', '--quiet', 'add', `git@${host}:sandbox/hello.git`, 'part')
    await git(first, env, 'commit', '--quiet', '--message', 'A part')
    await git(first, env, 'push', '--quiet', 'origin', 'HEAD:with-a-part')
    const url = `git@${host}:sandbox/hello.git`
    await git(
      job.workspace,
      env,
      'clone',
      '--quiet',
      '--recurse-submodules',
      '--branch',
      'with-a-part',
      url,
      'second',
    )
    expect(existsSync(join(job.workspace, 'second/part/README.md'))).toBe(true)
  })

  test('git uses the later of two credentials for the same host', async ({ bitbucket }) => {
    const first = await runAction({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
    const second = await runAction({ bitbucket, job: first.job })
    bitbucket.revoke(bitbucket.credentials.apiToken)
    const url = `${bitbucket.url}/sandbox/hello.git`
    await git(second.job.workspace, second.job.env, 'clone', '--quiet', url)
    expect(existsSync(join(second.job.workspace, 'hello/README.md'))).toBe(true)
  })

  test('a path is at the start of its variable, because for a container action the runner translates it only there', async ({
    bitbucket,
  }) => {
    const { env, job } = await runBeforeGit(bitbucket, { 'rewrite-ssh-urls': 'true' })
    const withPath = Object.entries(env).filter(([, value]) => value.includes(job.temp))
    expect(withPath.map(([name]) => name)).toEqual(['BITBUCKET_GIT_CREDENTIALS_FILE', 'GIT_CONFIG_VALUE_0'])
    expect(withPath.filter(([, value]) => !value.startsWith(job.temp))).toEqual([])
  })

  test("git's configuration works in a container action, where the directory has another path", async ({
    bitbucket,
  }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const inContainer = join(job.tree, 'runner_temp')
    cpSync(job.temp, inContainer, { recursive: true })
    rmSync(job.temp, { recursive: true })
    // actions/runner, ContainerInfo.cs: `TranslateToContainerPath`.
    const translated = Object.entries(env).map(([name, value]) => [
      name,
      value.startsWith(job.temp) ? `${inContainer}${value.slice(job.temp.length)}` : value,
    ])
    const url = `${bitbucket.url}/sandbox/hello.git`
    expect(await git(job.workspace, Object.fromEntries(translated), 'ls-remote', url)).toContain(
      'refs/heads/main',
    )
  })

  test('configure-git: false exports nothing for git', async ({ bitbucket }) => {
    const { env } = await runBeforeGit(bitbucket, { 'configure-git': 'false' })
    expect(Object.keys(env).filter((name) => name.startsWith('GIT_') || name.includes('PASSWORD'))).toEqual(
      [],
    )
  })
})

describe('in the shell that sourced env.sh', () => {
  test('git uses the new token after env.sh of a new run is sourced', { tags: ['dash'] }, async ({
    bitbucket,
  }) => {
    const inputs = inputsFor.consumer(bitbucket)
    const first = await runShell({ bitbucket, inputs, directory: 'first' })
    const old = readFileSync(join(first.cwd, '.bitbucket-token/git-credentials'), 'utf8')
    await runShell({ bitbucket, inputs, directory: 'second', tree: first.tree })
    bitbucket.revoke(decodeURIComponent(/:([^:@]*)@/.exec(old)?.[1] ?? ''))
    const both = `set -eu
      . "$1/first/.bitbucket-token/env.sh"
      . "$1/second/.bitbucket-token/env.sh"
      git ls-remote '${bitbucket.url}/sandbox/hello.git'`
    expect(await shells.dash(both, [first.tree], {})).toContain('refs/heads/main')
  })
})

test.each([
  ['success', {}, 0],
  ['failure', { 'client-secret': 'not-the-one' }, 3],
  ['cancelled', {}, 143],
])('leaves every git configuration file unchanged: %s', async (_, change, status) => {
  const bitbucket = await startBitbucket()
  const tree = makeTree()
  const home = join(tree, 'work')
  mkdirSync(home)
  const system = join(tree, 'system')
  const files = [system, join(home, '.gitconfig'), join(home, '.git/config')]
  await git(home, {}, 'init', '--quiet')
  writeFileSync(system, '[user]\n\tname = System\n')
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Somebody\n')
  const before = files.map((file) => readFileSync(file, 'utf8'))
  const { onStart, kill } = killSwitch()
  if (status === 143) bitbucket.script(() => kill('SIGTERM'))
  const run = await runShell({
    bitbucket,
    inputs: { ...inputsFor.consumer(bitbucket), ...change },
    env: { HOME: home, GIT_CONFIG_SYSTEM: system },
    tree,
    onStart,
  })
  expect(run.status).toBe(status)
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before)
})
