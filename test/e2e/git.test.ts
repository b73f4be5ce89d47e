import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect } from 'vitest'
import { type ActionRun, runAction } from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { killSwitch } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { git, runPipe, runShell, shells, timeIsUp } from './support/shell.ts'

/** Runs the action with client credentials. Its variables and job are those of later steps. */
async function runBeforeGit(bitbucket: Bitbucket, inputs = {}): Promise<ActionRun> {
  return runAction({ bitbucket, inputs: { ...inputsFor.consumer(bitbucket), ...inputs } })
}

/** Makes the configuration of a credential helper for every host, which records all that git tells it. */
function keychain(tree: string): { config: string; notes: () => string } {
  const file = join(tree, 'keychain')
  const config = join(tree, 'gitconfig')
  const helper = `!f() { { echo \\"$1\\"; cat; } >>'${file}'; test \\"$1\\" != get || printf 'username=kept\\\\npassword=kept\\\\n'; }; f`
  writeFileSync(config, `[credential]\n\thelper = "${helper}"\n`)
  return { config, notes: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') }
}

/** Returns the variable that tells our helper the user name and the expiry, if there is exactly one helper. */
const loginIn = (env: Readonly<Record<string, string>>) =>
  Object.entries(env).find(([name]) => name.startsWith('BITBUCKET_GIT_LOGIN_'))?.[1]

const withUser = (url: string, user: string): string => url.replace('://', `://${user}@`)

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

  test.each(['apiToken', 'accessToken', 'refreshToken'] as const)('git clones with the %s', async (kind) => {
    const bitbucket = await startBitbucket()
    const { env, job } = await runAction({ bitbucket, inputs: inputsFor[kind](bitbucket) })
    await git(job.workspace, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`)
    expect(existsSync(join(job.workspace, 'hello/README.md'))).toBe(true)
  })

  test("git accepts the user name in Bitbucket's own clone URLs", async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const url = withUser(`${bitbucket.url}/sandbox/hello.git`, 'ada')
    await git(job.workspace, env, 'clone', '--quiet', url)
    expect(await git(join(job.workspace, 'hello'), env, 'ls-remote', 'origin')).toContain('refs/heads/main')
  })

  test('git neither asks nor tells a helper that was configured before, and does not change our file', async ({
    bitbucket,
  }) => {
    const run = await runBeforeGit(bitbucket)
    const file = run.env['BITBUCKET_GIT_CREDENTIALS_FILE'] ?? ''
    const before = readFileSync(file, 'utf8')
    const { config, notes } = keychain(run.job.tree)
    const env = { ...run.env, GIT_CONFIG_GLOBAL: config }
    await git(run.job.workspace, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`)
    expect(notes()).toBe('')
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test('git keeps the helper of other hosts and does not send them our token', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const { config } = keychain(job.tree)
    const other = await startBitbucket()
    const filled = await git(
      job.workspace,
      { ...env, GIT_CONFIG_GLOBAL: config },
      '-c',
      'alias.ask=!printf "url=%s\\n\\n" "$1" | git credential fill #',
      'ask',
      `${other.url}/sandbox/hello.git`,
    )
    expect(filled).toContain('password=kept')
    expect(filled).not.toContain(env['BITBUCKET_ACCESS_TOKEN'])
  })

  test('credential.useHttpPath changes nothing', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const url = `${bitbucket.url}/sandbox/hello.git`
    await git(job.workspace, env, '-c', 'credential.useHttpPath=true', 'clone', '--quiet', url)
    expect(existsSync(join(job.workspace, 'hello/README.md'))).toBe(true)
  })

  test('the entries of an existing GIT_CONFIG_COUNT stay', async ({ bitbucket }) => {
    const before = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Somebody' }
    const run = await runAction({ bitbucket, env: before })
    const env = { ...before, ...run.env }
    expect(await git(run.job.workspace, env, 'config', 'user.name')).toBe('Somebody\n')
    await git(run.job.workspace, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`)
  })

  test('a refused token does not empty our file', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const file = env['BITBUCKET_GIT_CREDENTIALS_FILE'] ?? ''
    const before = readFileSync(file, 'utf8')
    bitbucket.revoke(env['BITBUCKET_ACCESS_TOKEN'] ?? '')
    const listing = git(
      job.workspace,
      { ...env, RUNNER_TEMP: job.temp },
      'ls-remote',
      `${bitbucket.url}/sandbox/hello.git`,
    )
    await expect(listing).rejects.toThrow(/Authentication failed/)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test('git does not send an expired token, and says that it has expired', async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const end = Date.parse(env['BITBUCKET_TOKEN_EXPIRES_AT'] ?? '') / 1_000
    const filled = await git(
      job.workspace,
      env,
      '-c',
      `alias.ask=!echo url=${bitbucket.url} | git credential fill`,
      'ask',
    )
    expect(filled).toContain(`password=${env['BITBUCKET_ACCESS_TOKEN']}\n`)
    expect(loginIn(env)).toMatch(new RegExp(`^x-token-auth ${end} \\d{4}-`))
    const over = { ...env, ...timeIsUp(env) }
    const listing = git(job.workspace, over, 'ls-remote', `${bitbucket.url}/sandbox/hello.git`)
    await expect(listing).rejects.toThrow(
      /bitbucket-token: the token expired at .*; run bitbucket-token again/,
    )
    const authorized = bitbucket.requests.filter(
      ({ path, headers }) => path.includes('.git') && headers.authorization,
    )
    expect(authorized).toEqual([])
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

  test('without rewrite-ssh-urls, SSH addresses stay SSH', async ({ bitbucket }) => {
    const { env } = await runBeforeGit(bitbucket)
    expect(Object.values(env).join('\n')).not.toMatch(/insteadof/i)
  })

  test('git uses an API token for one host and OAuth for another', async () => {
    const one = await startBitbucket()
    const two = await startBitbucket()
    const first = await runAction({ bitbucket: one, inputs: inputsFor.apiToken(one) })
    const second = await runAction({ bitbucket: two, inputs: inputsFor.consumer(two), job: first.job })
    const { env, workspace } = second.job
    await git(workspace, env, 'clone', '--quiet', `${one.url}/sandbox/hello.git`, 'one')
    await git(workspace, env, 'clone', '--quiet', `${two.url}/sandbox/hello.git`, 'two')
    expect(readFileSync(first.env['BITBUCKET_GIT_CREDENTIALS_FILE'] ?? '', 'utf8')).toContain(
      'x-bitbucket-api-token-auth',
    )
    expect(readFileSync(second.env['BITBUCKET_GIT_CREDENTIALS_FILE'] ?? '', 'utf8')).toContain('x-token-auth')
  })

  test('git uses the later of two credentials for the same host', async ({ bitbucket }) => {
    const first = await runAction({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
    const second = await runAction({ bitbucket, job: first.job })
    bitbucket.revoke(bitbucket.credentials.apiToken)
    const url = `${bitbucket.url}/sandbox/hello.git`
    await git(second.job.workspace, second.job.env, 'clone', '--quiet', url)
    expect(existsSync(join(second.job.workspace, 'hello/README.md'))).toBe(true)
  })

  test('a value that holds a path starts with it, because the runner translates only such values for a container action', async ({
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

  test("git's configuration is readable for other users and holds no secret", async ({ bitbucket }) => {
    const { env, job } = await runBeforeGit(bitbucket)
    const file = env['GIT_CONFIG_VALUE_0'] ?? ''
    expect(statSync(file).mode & 0o777).toBe(0o644)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o755)
    expect(secretsIn(readFileSync(file, 'utf8'), bitbucket.secrets)).toEqual([])
    expect(job.temp).toBe(dirname(dirname(file)))
  })

  test('configure-git: false exports nothing for git', async ({ bitbucket }) => {
    const { env } = await runBeforeGit(bitbucket, { 'configure-git': 'false' })
    expect(Object.keys(env).filter((name) => name.startsWith('GIT_') || name.includes('PASSWORD'))).toEqual(
      [],
    )
  })
})

describe('in the shell that sourced env.sh', () => {
  const script = (url: string) => `
    set -eu
    cd "$1"
    . ./.bitbucket-token/env.sh
    cd ..
    test "$(git config user.name)" = Somebody
    git clone --quiet '${url}/sandbox/hello.git' "$2"
    cat "$2/README.md"
  `
  for (const name of Object.keys(shells) as (keyof typeof shells)[]) {
    test(`${name}: git clones, and the entries of GIT_CONFIG_COUNT stay`, { tags: [name] }, async ({
      bitbucket,
    }) => {
      const { cwd } = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
      const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Somebody' }
      expect(await shells[name](script(bitbucket.url), [cwd, 'copy'], env)).toContain('# hello')
    })
  }

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

  test('git works after a pipe, too', { tags: ['dash'] }, async ({ bitbucket }) => {
    const { cwd } = await runPipe({ bitbucket, inputs: inputsFor.accessToken(bitbucket) })
    const script = `set -eu; . "$1/.bitbucket-token/env.sh"; git ls-remote '${bitbucket.url}/sandbox/hello.git'`
    expect(await shells.dash(script, [cwd], {})).toContain('refs/heads/main')
  })
})

test.each([
  ['success', {}, 0],
  ['failure', { 'client-secret': 'not-the-one' }, 3],
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
  const env = { HOME: home, GIT_CONFIG_SYSTEM: system }
  const run = await runShell({
    bitbucket,
    inputs: { ...inputsFor.consumer(bitbucket), ...change },
    env,
    tree,
  })
  expect(run.status).toBe(status)
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before)
})

test('leaves every git configuration file unchanged: cancelled', async ({ bitbucket, tree }) => {
  const home = join(tree, 'work')
  mkdirSync(home)
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Somebody\n')
  const { onStart, kill } = killSwitch()
  bitbucket.script(() => kill('SIGTERM'))
  const run = await runShell({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    env: { HOME: home },
    tree,
    onStart,
  })
  expect(run.status).toBe(143)
  expect(readFileSync(join(home, '.gitconfig'), 'utf8')).toBe('[user]\n\tname = Somebody\n')
})
