import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { assertNothingLeft, runAction, runPost } from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket, variablesFor } from './support/bitbucket.ts'
import { assertNoSecret, filesBelow } from './support/canary.ts'
import { atEachBoundary, crash, crashOf, type Happening } from './support/crash.ts'
import { runBundle } from './support/program.ts'
import { makeTree, nameSecrets, type Run } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { runPipe, runShell, type ShellRun } from './support/shell.ts'

// Injects each kind of fault at each boundary of the program (see support/crash.mjs), on each kind of CI. The canary checks
// each run for secrets; the tests here check the rest. `npm test crashes` tries every boundary, `npm test` a part of them.

const isFull = process.env['CRASHES'] === 'all'
const limit = isFull ? 300_000 : 60_000

const table: Record<string, string | number>[] = []
afterAll(() => console.table(table))

/** A way to run the program, and what must be true of the files that a stopped run leaves. */
interface Place {
  /** Set if it is similar to another one. `npm test` tries fewer of its boundaries. */
  readonly isVariant?: true
  /** Faults that cannot happen here. */
  readonly excludes?: readonly Happening[]
  start(bitbucket: Bitbucket, preload: string): Promise<Run>
  /** Returns the files that it left, except the runner's own files. */
  left(run: Run): string[]
  /** Asserts that a run with status 0 has handed over everything. */
  isComplete(run: Run): void
  /** Cleans up after a killed run, and asserts that nothing is left. */
  tidyUp(run: Run): Promise<void>
}

const debug = { debug: 'true' }

const inDirectory = (run: Run) => join((run as ShellRun).cwd, '.bitbucket-token')
/** Files that a failed run keeps if Bitbucket has issued a new refresh token, because the old one expires soon. */
const kept = new Set(['refresh-token', '.gitignore'])
const withoutKept = (paths: readonly string[]) =>
  paths.some((path) => basename(path) === 'refresh-token')
    ? paths.filter((path) => !kept.has(basename(path)))
    : [...paths]

type Credential = keyof typeof inputsFor

function shellLike(start: typeof runShell, credential: Credential = 'consumer'): Place {
  return {
    ...(credential !== 'consumer' && { isVariant: true }),
    start: (bitbucket, preload) =>
      start({ bitbucket, preload, inputs: { ...inputsFor[credential](bitbucket), ...debug } }),
    left: (run) => (existsSync(inDirectory(run)) ? withoutKept(filesBelow(inDirectory(run))) : []),
    isComplete(run) {
      expect(readdirSync(inDirectory(run)).sort()).toEqual([
        '.gitignore',
        'env.sh',
        'git-credentials',
        ...(credential === 'refreshToken' ? ['refresh-token'] : []),
      ])
      expect(readFileSync(join(inDirectory(run), 'env.sh'), 'utf8')).toMatch(
        /BITBUCKET_ACCESS_TOKEN=.*\n(.*\n)*unset bitbucket_token_n bitbucket_token_i\n$/,
      )
    },
    async tidyUp(run) {
      const { bitbucket, tree } = run
      // Without --all, cleanup keeps the new refresh token.
      const all = credential === 'refreshToken' ? ['--all'] : []
      const cleanup = await start({
        bitbucket,
        tree,
        args: ['cleanup', ...all],
        env: { XDG_RUNTIME_DIR: tree },
      })
      expect([cleanup.status, existsSync(inDirectory(run))]).toEqual([0, false])
      assertNoSecret(cleanup, 'post')
    },
  }
}

type ActionRun = Awaited<ReturnType<typeof runAction>>

function gitHub(credential: Credential = 'consumer'): Place {
  return {
    ...(credential !== 'consumer' && { isVariant: true }),
    start: (bitbucket, preload) =>
      runAction({ bitbucket, preload, inputs: { ...inputsFor[credential](bitbucket), ...debug } }),
    // git's configuration holds no secret. On a full disk it cannot be changed because the lock cannot be written.
    left: (run) =>
      filesBelow((run as ActionRun).job.temp).filter((path) => !path.includes('/bitbucket-token-git')),
    isComplete(run) {
      const { env, outputs, state, job } = run as ActionRun
      if (credential === 'refreshToken') expect(outputs['refresh-token']).toMatch(/^\S+$/)
      expect(readFileSync(outputs['git-credentials-file'] ?? '', 'utf8')).toMatch(/^http:.*\n$/)
      expect(Object.keys(env)).toContain('BITBUCKET_ACCESS_TOKEN')
      // A lock that could not be removed is invalid once its process has ended.
      expect(readdirSync(job.temp).filter((name) => !name.endsWith('.lock'))).toEqual([
        basename(state['bitbucket_token_directory'] ?? ''),
        'bitbucket-token-git',
      ])
    },
    async tidyUp(run) {
      const main = run as ActionRun
      if (main.state['bitbucket_token_main'] === undefined) {
        // Killed before its first write. `post` would not recognise itself without state, but nothing was made yet.
        expect([readdirSync(main.job.temp), main.stdout]).toEqual([[], ''])
        return
      }
      const post = await runPost(main)
      expect([post.status, post.stderr, readdirSync(main.job.temp)]).toEqual([0, '', []])
      expect(post.stdout).not.toContain('::warning')
      assertNothingLeft(post)
    },
  }
}

/** A command that writes a secret to stdout for another program, so it must write all of it or nothing. */
function dataOf(command: readonly string[], whole: RegExp, stdin?: string): Place {
  const start = async (bitbucket: Bitbucket, preload?: string, tree = makeTree()): Promise<Run> => {
    const given = {
      RUNNER_TEMP: tree,
      ...variablesFor(bitbucket, { ...inputsFor.consumer(bitbucket), ...debug }),
    }
    nameSecrets(given, bitbucket)
    const finished = await runBundle({
      args: command,
      env: given,
      cwd: tree,
      ...(preload !== undefined && { preload }),
      ...(stdin !== undefined && { stdin: stdin.replace('<host>', new URL(bitbucket.url).host) }),
    })
    const seen = [finished.stderr, ...finished.commandLines, ...finished.childEnvironments].join('\n')
    expect(secretsIn(seen, bitbucket.secrets)).toEqual([])
    expect(finished.stdout).toMatch(new RegExp(`^(${whole.source})?$`))
    return { ...finished, bitbucket, tree, places: {}, given, requests: [] }
  }
  return {
    isVariant: true,
    // `print` writes no file, and the helper works without a cache if it cannot write one.
    excludes: ['full'],
    start,
    // The helper's cache and its lock are in their own directory, and stay.
    left: ({ tree }) => filesBelow(tree).filter((path) => !/bitbucket-token-cache-\d+\//.test(path)),
    isComplete: ({ stdout }) => expect(stdout).toMatch(whole),
    async tidyUp({ bitbucket, tree }) {
      const next = await start(bitbucket, undefined, tree)
      expect([next.status, next.stdout]).toEqual([0, expect.stringMatching(whole)])
    },
  }
}

const places: Record<string, Place> = {
  GitHub: gitHub(),
  pipe: shellLike(runPipe),
  shell: shellLike(runShell),
  'GitHub, a refresh token': gitHub('refreshToken'),
  'GitHub, an API token': gitHub('apiToken'),
  'GitHub, an access token': gitHub('accessToken'),
  'shell, a refresh token': shellLike(runShell, 'refreshToken'),
  print: dataOf(['print'], /[\x21-\x7e]+\n/),
  'git-credential': dataOf(
    ['git-credential', 'get'],
    /username=x-token-auth\npassword=[\x21-\x7e]+\npassword_expiry_utc=\d+\n/,
    'protocol=http\nhost=<host>\n\n',
  ),
}

/** Asserts that after a kill no other user can read a file with a secret. */
function expectPrivate({ tree, bitbucket }: Run): void {
  const open = filesBelow(tree).filter(
    (path) =>
      !basename(path).startsWith('GITHUB_') &&
      (lstatSync(path).mode & 0o077) !== 0 &&
      secretsIn(readFileSync(path, 'latin1'), bitbucket.secrets).length > 0,
  )
  expect(open).toEqual([])
}

const statusOf = { SIGTERM: 143, SIGINT: 130 } as const

async function check(place: Place, happening: Happening, at: number, bitbucket: Bitbucket) {
  const run = await place.start(bitbucket, crash(happening, at))
  const where = crashOf(run)
  const label = `${happening} at ${at}, ${where}: ${run.stdout}${run.stderr}`
  if (where === undefined) {
    expect([run.status, run.signal], label).toEqual([0, null])
  } else if (happening === 'SIGKILL') {
    expect(run.signal, label).toBe('SIGKILL')
    expectPrivate(run)
    await place.tidyUp(run)
    return where
  }
  if (run.status === 0) place.isComplete(run)
  else {
    if (happening === 'SIGTERM' || happening === 'SIGINT') {
      // Before the program handles signals, the signal itself ends it.
      expect(run.status ?? run.signal, label).toBe(run.signal === null ? statusOf[happening] : happening)
    } else expect([1, 5], label).toContain(run.status)
    expect(place.left(run), label).toEqual([])
  }
  return where
}

/** `npm test` tries each n-th boundary. There are many awaits, and little happens between most of them. */
const steps: Record<Happening, number> = {
  SIGKILL: 11,
  SIGTERM: 13,
  SIGINT: 29,
  throw: 3,
  uncaught: 13,
  full: 1,
}

describe.each(Object.entries(places))('%s', (host, place) => {
  const happenings = (Object.keys(steps) as Happening[]).filter((name) => !place.excludes?.includes(name))
  test.each(happenings)('survives %s at each boundary', { timeout: limit }, async (happening) => {
    const bitbucket = await startBitbucket()
    const started = performance.now()
    const step = isFull ? 1 : steps[happening] * (place.isVariant ? 7 : 1)
    const cases = await atEachBoundary(step, (at) => check(place, happening, at, bitbucket))
    expect(cases).toBeGreaterThan(place.isVariant ? 0 : 1)
    table.push({ host, happening, cases, seconds: Math.round((performance.now() - started) / 100) / 10 })
  })
})
