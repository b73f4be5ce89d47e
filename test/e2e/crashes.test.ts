import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { assertNothingLeft, runAction, runPost } from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { assertNoSecret, filesBelow } from './support/canary.ts'
import { atEachBoundary, crash, crashOf, type Happening } from './support/crash.ts'
import type { Run } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { runPipe, runShell, type ShellRun } from './support/shell.ts'

// The program is stopped at every boundary there is, in every way there is, on each kind of host. The canary looks
// into each run by itself; what is said here is what must be true besides. `npm run test:crashes` takes every
// boundary, `npm test` every so many.

const isFull = process.env['CRASHES'] === 'all'
const limit = isFull ? 300_000 : 60_000

const table: Record<string, string | number>[] = []
afterAll(() => console.table(table))

/** A host on which a run can be stopped, and what must be true of what it left. */
interface Place {
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

function shellLike(start: typeof runShell): Place {
  return {
    start: (bitbucket, preload) =>
      start({ bitbucket, preload, inputs: { ...inputsFor.consumer(bitbucket), ...debug } }),
    left: (run) => (existsSync(inDirectory(run)) ? filesBelow(inDirectory(run)) : []),
    isComplete(run) {
      expect(readdirSync(inDirectory(run)).sort()).toEqual(['env.sh', 'git-credentials'])
      expect(readFileSync(join(inDirectory(run), 'env.sh'), 'utf8')).toMatch(
        /BITBUCKET_ACCESS_TOKEN=.*\n(.*\n)*GIT_CONFIG_COUNT=.*\n$/,
      )
    },
    async tidyUp(run) {
      const { bitbucket, tree } = run
      const cleanup = await start({ bitbucket, tree, args: ['cleanup'], env: { XDG_RUNTIME_DIR: tree } })
      expect([cleanup.status, existsSync(inDirectory(run))]).toEqual([0, false])
      assertNoSecret(cleanup, 'post')
    },
  }
}

type ActionRun = Awaited<ReturnType<typeof runAction>>

const places: Record<string, Place> = {
  GitHub: {
    start: (bitbucket, preload) =>
      runAction({ bitbucket, preload, inputs: { ...inputsFor.consumer(bitbucket), ...debug } }),
    left: (run) => filesBelow((run as ActionRun).job.temp),
    isComplete(run) {
      const { env, outputs, state, job } = run as ActionRun
      expect(readFileSync(outputs['git-credentials-file'] ?? '', 'utf8')).toMatch(/^http:.*\n$/)
      expect(Object.keys(env)).toContain('BITBUCKET_ACCESS_TOKEN')
      expect(readdirSync(job.temp)).toEqual([basename(state['directory'] ?? '')])
    },
    async tidyUp(run) {
      const main = run as ActionRun
      if (main.state['isPost'] === undefined) {
        // Killed before its first write: the runner's `post` could not know itself for one; nothing was made yet.
        expect([readdirSync(main.job.temp), main.stdout]).toEqual([[], ''])
        return
      }
      const post = await runPost(main)
      expect([post.status, post.stderr, readdirSync(main.job.temp)]).toEqual([0, '', []])
      expect(post.stdout).not.toContain('::warning')
      assertNothingLeft(post)
    },
  },
  pipe: shellLike(runPipe),
  shell: shellLike(runShell),
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
  test.each(Object.keys(steps) as Happening[])(
    '%s at each boundary',
    { timeout: limit },
    async (happening) => {
      const bitbucket = await startBitbucket()
      const started = performance.now()
      const step = isFull ? 1 : steps[happening]
      const cases = await atEachBoundary(step, (at) => check(place, happening, at, bitbucket))
      expect(cases).toBeGreaterThan(1)
      table.push({ host, happening, cases, seconds: Math.round((performance.now() - started) / 100) / 10 })
    },
  )
})
