import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addedToEnvironment } from '../../src/git/config-environment.ts'
import type { Host, Results } from '../../src/hosts/host.ts'
import { detectHost, type HostName, openHost } from '../../src/hosts/index.ts'
import type { RunProcess } from '../../src/hosts/process.ts'
import { Secret } from '../../src/secret.ts'
import { type FakeWorld, fakeWorld } from '../support/fake-world.ts'
import { type ProgramName, shells } from '../support/programs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A process that a host started: all that it was given. */
export interface StartedProcess {
  readonly command: string
  readonly args: readonly string[]
  readonly stdin: string
  /** Only what the job's environment does not have already. */
  readonly env: Readonly<Record<string, string>>
}

/** One job on a CI. */
export interface Job {
  readonly host: Host
  readonly world: FakeWorld
  /** The clone, and the only directory that is there. */
  readonly cwd: string
  readonly processes: StartedProcess[]
}

/** What the contract must know of a host. */
export interface HostUnderTest {
  readonly name: HostName
  /** What the CI sets in a job whose clone is `cwd`: enough for it to be detected and to work. */
  environment(cwd: string): Record<string, string>
  /** Opens it with processes that only seem to run; unless given, as the program does. */
  open?(world: FakeWorld, run: RunProcess): Host
  /** The values that the CI hides from now on, read from what was written by the CI's own rules. */
  hidden(job: Job): string[]
  /** The variables of a later step, read from what was written by the CI's own rules. */
  later(job: Job): Record<string, string>
  /** The programs that `later` starts. */
  readonly laterTags?: readonly ProgramName[]
  /** Which variables this CI hands on by itself. */
  carries(name: string, value: string | Secret): boolean
  /** Whether the results are not also in `env.sh`. */
  readonly withoutFile?: true
}

/** A token as Bitbucket makes them. */
export const canary = 'canary-T0k3n_0123456789abcdef='

export const sampleResults = (given: Partial<Results> = {}): Results => ({
  variables: new Map<string, string | Secret>([
    ['BITBUCKET_ACCESS_TOKEN', new Secret(canary)],
    ['BITBUCKET_AUTHORIZATION', new Secret(`Bearer ${canary}`)],
    ['BITBUCKET_GIT_USERNAME', 'x-token-auth'],
  ]),
  outputs: new Map([['access-token', new Secret(canary)]]),
  gitConfig: [
    ['credential.https://bitbucket.org.helper', `!f() { test "$1" = get && date; }; f; # 'x' %s ] ;`],
  ],
  ...given,
})

/** A job whose processes end well, or as they are told. */
export async function startJob(
  { name, environment, open }: Pick<HostUnderTest, 'name' | 'environment' | 'open'>,
  { without = [], isDone = () => true }: { without?: readonly string[]; isDone?: RunProcess } = {},
): Promise<Job> {
  const cwd = temporaryDirectory()
  const env = Object.fromEntries(Object.entries(environment(cwd)).filter(([key]) => !without.includes(key)))
  const world = fakeWorld({ cwd, env })
  const processes: StartedProcess[] = []
  const run: RunProcess = (command, args, input) => {
    const added = Object.entries(input.env).filter(([key, value]) => value !== env[key])
    processes.push({
      command,
      args,
      stdin: input.stdin?.reveal() ?? '',
      env: Object.fromEntries(
        added.map(([key, value]) => [key, value instanceof Secret ? value.reveal() : (value ?? '')]),
      ),
    })
    return isDone(command, args, input)
  }
  const host = open?.(world, run) ?? (await openHost(name, world, { outputDir: undefined, debug: false }))
  return { host, world, cwd, processes }
}

/** A whole run as `acquire` does it; what it says at its end. */
export function runToEnd({ host }: Job, results: Results): string | undefined {
  host.mask(new Secret(canary))
  host.log.info('working')
  host.writeSecretFile('git-credentials', new Secret(`https://x-token-auth:${canary}@bitbucket.org\n`))
  const howToUse = host.handOver(results)
  if (howToUse !== undefined) host.log.info(howToUse)
  return howToUse
}

/** All that is left of a job: what it wrote where, for a snapshot. */
export function recordOf({ world, cwd, processes }: Job): Record<string, unknown> {
  const inJob = (text: string) =>
    text.replaceAll(cwd.replaceAll("'", "'\\''"), '<clone>').replaceAll(cwd, '<clone>')
  return {
    stdout: inJob(world.out()),
    stderr: inJob(world.err()),
    processes: processes.map(({ command, args, stdin, env }) => ({
      command: inJob([command, ...args].join(' ')),
      stdin,
      env,
    })),
    files: Object.fromEntries(
      filesIn(cwd).map((path) => [
        `${path} ${(lstatSync(join(cwd, path)).mode & 0o777).toString(8)}`,
        inJob(readFileSync(join(cwd, path), 'utf8')).replace(
          /^bitbucket_token_add_to_git\(\) \{\n(?:.*\n)*?\}$/m,
          'bitbucket_token_add_to_git() { <…> }',
        ),
      ]),
    ),
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => lstatSync(join(directory, path)).isFile())
    .toSorted()
}

/** What a real shell's children have after a script, of the variables named. */
export function variablesAfter(
  [shell, ...options]: readonly string[],
  script: string,
  names: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  // Another process sees only what was exported.
  const show = `${JSON.stringify(process.execPath)} -e 'process.stdout.write(JSON.stringify(process.env))'`
  const { status, stdout, stderr } = spawnSync(shell ?? '', [...options, '-c', `${script}\n${show}`], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const all: Record<string, string> = JSON.parse(stdout)
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))
}

/** The variables of some results, git's configuration among them, as a later step is to have them. */
export function plainVariables({ variables, gitConfig }: Results): Record<string, string> {
  const all = [...variables, ...addedToEnvironment(gitConfig, {})]
  return Object.fromEntries(
    all.map(([name, value]) => [name, typeof value === 'string' ? value : value.reveal()]),
  )
}

/** What every host must do, whatever its CI can do. */
export function describeContract(subject: HostUnderTest): void {
  const start = (options = {}) => startJob(subject, options)
  const carried = (results: Results) =>
    Object.fromEntries(
      Object.entries(plainVariables(results)).filter(([name, value]) =>
        subject.carries(name, results.variables.get(name) ?? value),
      ),
    )

  describe(`every host: ${subject.name}`, () => {
    test('is found by the environment of its job', () => {
      expect(detectHost(subject.environment('/clone'))).toBe(subject.name)
    })

    test('hides the secrets before anything else is said, or shows them nowhere', async () => {
      const job = await start()
      const { host, world } = job
      host.mask(new Secret(canary))
      const hidden = subject.hidden(job)
      expect(hidden.length === 0 ? world.written : hidden).toEqual(hidden.length === 0 ? [] : [canary])
      runToEnd(job, sampleResults())
      host.summarize({ heading: 'H', rows: [['Kind', 'token']] })
      // A line that is a command is the CI's to read, and it shows none of it.
      const shown = (world.out() + world.err()).split('\n').filter((line) => !/^(?:::|##vso\[)/.test(line))
      expect(shown.join('\n')).not.toContain(canary)
      if (hidden.length === 0) expect(world.out()).not.toContain(canary)
      expect(subject.hidden(job).slice(0, hidden.length)).toEqual(hidden)
    })

    test('puts no secret into the arguments of a process', async () => {
      const job = await start()
      runToEnd(job, sampleResults())
      expect(JSON.stringify(job.processes.map(({ command, args }) => [command, args]))).not.toContain(canary)
    })

    const { laterTags = [] } = subject
    test('hands the results to later steps, as that CI reads them', { tags: [...laterTags] }, async () => {
      const job = await start()
      runToEnd(job, sampleResults())
      expect(subject.later(job)).toEqual(carried(sampleResults()))
    })

    test('leaves files that are ours alone, under any umask', async () => {
      const before = process.umask(0)
      onTestFinished(() => void process.umask(before))
      const job = await start()
      const place = job.host.keep('refresh-token', new Secret('new'))
      const file = job.host.writeSecretFile('git-credentials', new Secret(canary))
      runToEnd(job, sampleResults())
      expect(lstatSync(join(file, '..')).mode & 0o777).toBe(0o700)
      const secret = readdirSync(join(file, '..')).map((name) => join(file, '..', name))
      for (const path of secret) expect(lstatSync(path).mode & 0o777).toBe(0o600)
      expect(place).not.toContain('new')
    })

    test('gives back what it made when the run fails, but for a new refresh token', async () => {
      const job = await start()
      const place = job.host.keep('refresh-token', new Secret('new'))
      const file = job.host.writeSecretFile('git-credentials', new Secret(canary))
      job.host.handOver(sampleResults())
      job.host.discard()
      expect(existsSync(file)).toBe(false)
      if (subject.withoutFile) return
      expect(readdirSync(join(job.cwd, '.bitbucket-token'))).toEqual(['.gitignore', 'refresh-token'])
      expect(readFileSync(place.replace('the file ', ''), 'utf8')).toBe('new')
    })

    test('exports nothing where nothing is to be exported', async () => {
      const job = await start()
      const before = JSON.stringify(recordOf(job))
      expect(
        job.host.handOver(sampleResults({ variables: new Map(), gitConfig: [], outputs: new Map() })),
      ).toBe(undefined)
      expect(JSON.stringify(recordOf(job))).toBe(before)
    })

    test('says why a secret can be empty there', async () => {
      const { host } = await start()
      expect(host.whyEmpty).toMatch(/^(In|On) .*\.$/)
      expect(host.whyEmpty).not.toContain('\n')
    })

    if (subject.withoutFile) return

    for (const { name, command, tags } of shells) {
      test(`ends with one line, and what it tells ${name} to do gives all results`, {
        tags: [...tags],
      }, async () => {
        const job = await start()
        const howToUse = runToEnd(job, sampleResults()) ?? ''
        expect(howToUse).toMatch(/^[^\n]*For this shell: (\. '[^\n]*env\.sh')$/)
        const script = howToUse.replace(/^.*For this shell: /, '')
        expect(script).toContain(join(job.cwd, '.bitbucket-token/env.sh').replaceAll("'", "'\\''"))
        const all = plainVariables(sampleResults())
        expect(variablesAfter(command, `set -eu; cd /; ${script}`, Object.keys(all))).toEqual(all)
      })
    }

    test('takes the directory that the user names', async () => {
      const { cwd, world } = await start()
      mkdirSync(join(cwd, 'out'))
      const host = await openHost(subject.name, world, { outputDir: 'out/secret', debug: false })
      expect(host.writeSecretFile('a', new Secret('x'))).toBe(join(cwd, 'out/secret/a'))
    })
  })
}
