import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addedToEnvironment } from '../../src/git/config-environment.ts'
import type { Host, Results } from '../../src/hosts/host.ts'
import { type HostName, openHost } from '../../src/hosts/index.ts'
import type { RunProcess } from '../../src/hosts/process.ts'
import { Secret } from '../../src/secret.ts'
import { type FakeWorld, fakeWorld } from '../support/fake-world.ts'
import type { ProgramName } from '../support/programs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A process that a host started, with all of its input. */
export interface StartedProcess {
  readonly command: string
  readonly args: readonly string[]
  readonly stdin: string
  /** Only the variables that differ from the job's environment. */
  readonly env: Readonly<Record<string, string>>
}

/** One job on a CI. */
export interface Job {
  readonly host: Host
  readonly world: FakeWorld
  /** The clone, the only directory of the job. */
  readonly cwd: string
  readonly processes: StartedProcess[]
}

/** What the contract needs to know about a host. */
export interface HostUnderTest {
  readonly name: HostName
  /** The CI's variables in a job with the clone `cwd`: enough to detect the CI and to work there. */
  environment(cwd: string): Record<string, string>
  /** Opens the host with fake processes. Without it, the host is opened as the program does. */
  open?(world: FakeWorld, run: RunProcess): Host
  /** Returns the values that the CI masks, read from the job's output by the CI's own rules. */
  hidden(job: Job): string[]
  /** Returns the variables of a later step, read from the job's output by the CI's own rules. */
  later(job: Job): Record<string, string>
  /** The programs that `later` starts. */
  readonly laterTags?: readonly ProgramName[]
  /** Whether this CI itself passes a variable to later steps. */
  carries(name: string, value: string | Secret): boolean
  /** Set if the results are not also in `env.sh`. */
  readonly withoutFile?: true
}

/** What is the same for every CI that only gets `env.sh`. */
export const onlyEnvFile: Pick<HostUnderTest, 'hidden' | 'later' | 'carries'> = {
  hidden: () => [],
  later: () => ({}),
  carries: () => false,
}

/** A terminal, or a CI without its own host. */
export const plainShell: HostUnderTest = {
  ...onlyEnvFile,
  name: 'shell',
  environment: () => ({ HOME: '/root' }),
}

/** A token in Bitbucket's format. */
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

/** The environment of a job in which another program has added a secret to git's configuration. */
export const secretConfiguration = () => ({
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'http.https://example.com/.extraheader',
  GIT_CONFIG_VALUE_0: 'Authorization: Bearer theirs-12345',
})

/** Starts a job. Its processes succeed unless `isDone` says otherwise. */
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

/** Does a whole run as `acquire` does, and returns its last message. */
export function runToEnd({ host }: Job, results: Results): string | undefined {
  host.mask(new Secret(canary))
  host.log.info('working')
  host.writeSecretFile('git-credentials', new Secret(`https://x-token-auth:${canary}@bitbucket.org\n`))
  const howToUse = host.handOver(results)
  if (howToUse !== undefined) host.log.info(howToUse)
  return howToUse
}

/** Everything that a job wrote, except the private files, which are the same on every CI. */
interface Written {
  readonly stdout: string
  readonly stderr: string
  readonly processes: readonly { readonly command: string; readonly stdin: string; readonly env: object }[]
  /** The content of each file, by its path and mode. */
  readonly files: Readonly<Record<string, string>>
}

function recordOf(job: Job): Written {
  const { world, processes } = job
  return {
    stdout: inJob(job, world.out()),
    stderr: inJob(job, world.err()),
    processes: processes.map(({ command, args, stdin, env }) => ({
      command: inJob(job, [command, ...args].join(' ')),
      stdin,
      env,
    })),
    files: contentsOf(job, (path) => !path.startsWith('.bitbucket-token/')),
  }
}

/** Returns the private files of a job, for a snapshot. */
export const privateFilesOf = (job: Job) => contentsOf(job, (path) => path.startsWith('.bitbucket-token/'))

const inJob = ({ cwd }: Job, text: string) =>
  text.replaceAll(cwd.replaceAll("'", "'\\''"), '<clone>').replaceAll(cwd, '<clone>')

const contentsOf = (job: Job, counts: (path: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    filesIn(job.cwd)
      .filter(counts)
      .map((path) => [
        `${path} ${(lstatSync(join(job.cwd, path)).mode & 0o777).toString(8)}`,
        inJob(job, readFileSync(join(job.cwd, path), 'utf8')).replace(
          /^bitbucket_token_add_to_git\(\) \{\n(?:.*\n)*?\}$/m,
          'bitbucket_token_add_to_git() { <…> }',
        ),
      ]),
  )

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => lstatSync(join(directory, path)).isFile())
    .toSorted()
}

/** Returns the named variables in a child process of a real shell, after a script. */
export function variablesAfter(
  [shell, ...options]: readonly string[],
  script: string,
  names: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  // A child process sees only exported variables.
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

/** Returns the variables of results, including git's configuration, as a later step should have them. */
export function plainVariables({ variables, gitConfig }: Results): Record<string, string> {
  const all = [...variables, ...addedToEnvironment(gitConfig, {})]
  return Object.fromEntries(
    all.map(([name, value]) => [name, typeof value === 'string' ? value : value.reveal()]),
  )
}

/**
 * Tests what every host must do, whatever its CI can do.
 * @param expected all that a whole run writes; what is left out must be empty
 */
export function describeContract(subject: HostUnderTest, expected?: Partial<Written>): void {
  const start = (options = {}) => startJob(subject, options)
  const carried = (results: Results) =>
    Object.fromEntries(
      Object.entries(plainVariables(results)).filter(([name, value]) =>
        subject.carries(name, results.variables.get(name) ?? value),
      ),
    )

  describe(`every host: ${subject.name}`, () => {
    test('masks secrets before any other output, or never prints them', async () => {
      const job = await start()
      const { host, world } = job
      host.mask(new Secret(canary))
      const hidden = subject.hidden(job)
      expect(hidden.length === 0 ? world.written : hidden).toEqual(hidden.length === 0 ? [] : [canary])
      runToEnd(job, sampleResults())
      host.summarize({ heading: 'H', rows: [['Kind', 'token']] })
      // The CI reads lines with commands and does not show them.
      const shown = (world.out() + world.err()).split('\n').filter((line) => !/^(?:::|##vso\[)/.test(line))
      expect(shown.join('\n')).not.toContain(canary)
      if (hidden.length === 0) expect(world.out()).not.toContain(canary)
      expect(subject.hidden(job).slice(0, hidden.length)).toEqual(hidden)
    })

    if (expected !== undefined) {
      test('writes only the expected output and files', async () => {
        const job = await start()
        runToEnd(job, sampleResults())
        expect(recordOf(job)).toEqual({ stdout: '', stderr: '', processes: [], files: {}, ...expected })
      })
    }

    test('puts no secret into the arguments of a process', async () => {
      const job = await start()
      runToEnd(job, sampleResults())
      expect(JSON.stringify(job.processes.map(({ command, args }) => [command, args]))).not.toContain(canary)
    })

    const { laterTags = [] } = subject
    test('passes the results to later steps', { tags: [...laterTags] }, async () => {
      const job = await start()
      runToEnd(job, sampleResults())
      expect(subject.later(job)).toEqual(carried(sampleResults()))
    })

    test.each([0o000, 0o022, 0o077, 0o777])('writes private files under umask %o', async (umask) => {
      const job = await start()
      const before = process.umask(umask)
      onTestFinished(() => void process.umask(before))
      const place = job.host.keep('refresh-token', new Secret('new'))
      const file = job.host.writeSecretFile('git-credentials', new Secret(canary))
      runToEnd(job, sampleResults())
      expect(lstatSync(join(file, '..')).mode & 0o777).toBe(0o700)
      const secret = readdirSync(join(file, '..')).map((name) => join(file, '..', name))
      for (const path of secret) expect(lstatSync(path).mode & 0o777).toBe(0o600)
      expect(place).not.toContain('new')
    })

    test('removes its files if the run fails, except a new refresh token', async () => {
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

    test('exports nothing if there are no results', async () => {
      const job = await start()
      const written = () => JSON.stringify([recordOf(job), privateFilesOf(job)])
      const before = written()
      const none = sampleResults({ variables: new Map(), gitConfig: [] })
      // Only GitHub and its relatives know outputs.
      const { outputs } = subject.withoutFile ? { outputs: new Map() } : none
      expect(job.host.handOver({ ...none, outputs })).toBe(undefined)
      expect(written()).toBe(before)
    })

    test('writes debug text only if debug is set', async () => {
      const { world } = await start()
      for (const debug of [false, true]) {
        const { log } = await openHost(subject.name, world, { outputDir: undefined, debug })
        log.debug('x')
        expect(world.out() + world.err()).toBe(debug ? 'debug: x\n' : '')
      }
    })

    if (subject.withoutFile) return

    test('writes the same private files as every CI, and ends with the command that loads them', async () => {
      const [job, usual] = [await start(), await startJob(plainShell)]
      const [said = '', command = ''] = [job, usual].map((one) => runToEnd(one, sampleResults()))
      expect(privateFilesOf(job)).toEqual(privateFilesOf(usual))
      expect(said).not.toContain('\n')
      expect(inJob(job, said).endsWith(inJob(usual, command))).toBe(true)
    })

    test('uses the directory in output-dir', async () => {
      const { cwd, world } = await start()
      const host = await openHost(subject.name, world, { outputDir: 'out/secret', debug: false })
      expect(host.writeSecretFile('a', new Secret('x'))).toBe(join(cwd, 'out/secret/a'))
    })
  })
}
