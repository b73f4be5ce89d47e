import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { assertNothingLeft, runAction, runPost } from './support/action.ts'
import { asVariables, type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { assertNoSecret, filesBelow } from './support/canary.ts'
import { atEachBoundary, crash, crashOf, type Happening } from './support/crash.ts'
import { runBundle } from './support/program.ts'
import { makeTree, nameSecrets, type Run } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { runPipe, runShell, type ShellRun } from './support/shell.ts'

// The program is stopped at every boundary there is, in every way there is, on each kind of host. The canary looks
// into each run by itself; what is said here is what must be true besides. `npm test crashes` takes every
// boundary, `npm test` every so many.

const isFull = process.env['CRASHES'] === 'all'
const limit = isFull ? 300_000 : 60_000

const table: Record<string, string | number>[] = []
afterAll(() => console.table(table))

/** A host on which a run can be stopped, and what must be true of what it left. */
interface Place {
  /** One of several much like it: `npm test` looks at fewer of its boundaries. */
  readonly isVariant?: true
  /** What cannot happen to it. */
  readonly spared?: readonly Happening[]
  start(bitbucket: Bitbucket, preload: string): Promise<Run>
  /** What it left, but for directories with nothing in them and the runner's own files. */
  left(run: Run): string[]
  /** That a run which reports success has handed everything over. */
  isComplete(run: Run): void
  /** What comes after a job that was killed. */
  tidyUp(run: Run): Promise<void>
}

const debug = { debug: 'true' }

const inDirectory = (run: Run) => join((run as ShellRun).cwd, '.bitbucket-token')
/** What is kept of a run that fails after Bitbucket has given a new refresh token, because the old one expires soon. */
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
      // The new refresh token stays unless this is said.
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
    // git's configuration holds no secret, and on a full disk there is no lock under which it could be changed.
    left: (run) =>
      filesBelow((run as ActionRun).job.temp).filter((path) => !path.includes('/bitbucket-token-git')),
    isComplete(run) {
      const { env, outputs, state, job } = run as ActionRun
      if (credential === 'refreshToken') expect(outputs['refresh-token']).toMatch(/^\S+$/)
      expect(readFileSync(outputs['git-credentials-file'] ?? '', 'utf8')).toMatch(/^http:.*\n$/)
      expect(Object.keys(env)).toContain('BITBUCKET_ACCESS_TOKEN')
      // A lock that could not be given back counts for nothing once its process has ended.
      expect(readdirSync(job.temp).filter((name) => !name.endsWith('.lock'))).toEqual([
        basename(state['bitbucket_token_directory'] ?? ''),
        'bitbucket-token-git',
      ])
    },
    async tidyUp(run) {
      const main = run as ActionRun
      if (main.state['bitbucket_token_main'] === undefined) {
        // Killed before its first write: the runner's `post` could not know itself for one; nothing was made yet.
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

/** A verb whose stdout is a secret on purpose: another program reads it, so there is all of it or nothing. */
function dataOf(verb: readonly string[], whole: RegExp, stdin?: string): Place {
  const start = async (bitbucket: Bitbucket, preload?: string, tree = makeTree()): Promise<Run> => {
    const given = {
      RUNNER_TEMP: tree,
      BITBUCKET_URL: bitbucket.url,
      BITBUCKET_API_URL: bitbucket.apiUrl,
      ...asVariables({ ...inputsFor.consumer(bitbucket), ...debug }),
    }
    nameSecrets(given, bitbucket)
    const finished = await runBundle({
      args: verb,
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
    // `print` writes no file, and for the helper a cache that cannot be written is a run without one.
    spared: ['full'],
    start,
    // The cache of the helper, and its lock, are in directories of their own.
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

/** Whoever looks at the disk in the moment of the kill finds no secret that somebody else could read. */
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
      // Before the program listens, the signal itself ends it.
      expect(run.status ?? run.signal, label).toBe(run.signal === null ? statusOf[happening] : happening)
    } else expect([1, 5], label).toContain(run.status)
    expect(place.left(run), label).toEqual([])
  }
  return where
}

/** How many boundaries to go on by; awaits are many, and little happens between most of them. */
const steps: Record<Happening, number> = {
  SIGKILL: 11,
  SIGTERM: 13,
  SIGINT: 29,
  throw: 3,
  uncaught: 13,
  full: 1,
}

describe.each(Object.entries(places))('%s', (host, place) => {
  const happenings = (Object.keys(steps) as Happening[]).filter((name) => !place.spared?.includes(name))
  test.each(happenings)('%s at each boundary', { timeout: limit }, async (happening) => {
    const bitbucket = await startBitbucket()
    const started = performance.now()
    const step = isFull ? 1 : steps[happening] * (place.isVariant ? 7 : 1)
    const cases = await atEachBoundary(step, (at) => check(place, happening, at, bitbucket))
    expect(cases).toBeGreaterThan(place.isVariant ? 0 : 1)
    table.push({ host, happening, cases, seconds: Math.round((performance.now() - started) / 100) / 10 })
  })
})
