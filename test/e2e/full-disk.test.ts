import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished } from 'vitest'
import { errorsIn } from '../support/summary-text.ts'
import { type ActionRun, type Job, runAction, runPost } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { filesBelow } from './support/canary.ts'
import { bundle, pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { runShell } from './support/shell.ts'

// Tests with a real file system, if the machine can mount one. crashes.test.ts injects the same failures instead.

/**
 * Mounts a file system in a temporary directory.
 * @param name the directory below the tree on which it is mounted
 */
function mounted(options: string, name = 'work'): string {
  const tree = makeTree()
  const work = join(tree, name)
  mkdirSync(work)
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', work]).status).toBe(0)
  onTestFinished(() => {
    spawnSync('umount', [work])
  })
  return tree
}

test.for([0, 1, 2])(
  'leaves nothing on a disk with room for %i of three files',
  { tags: ['mount'] },
  async (pages) => {
    const tree = mounted('size=12k')
    writeFileSync(join(tree, 'work/filler'), 'x'.repeat(4_096 * (3 - pages)))
    const bitbucket = await startBitbucket()
    const run = await runShell({ bitbucket, tree, inputs: inputsFor.consumer(bitbucket) })
    expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('Make room on the disk')])
    expect(filesBelow(tree)).toEqual([join(tree, 'work/filler')])
  },
)

test('exits 1 and leaves nothing in a read-only directory', { tags: ['mount'] }, async ({ bitbucket }) => {
  const tree = mounted('ro,size=8k')
  const run = await runShell({ bitbucket, tree, inputs: inputsFor.consumer(bitbucket) })
  expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('EROFS')])
  expect(filesBelow(tree)).toEqual([])
})

describe('output on a full disk', { tags: ['mount'] }, () => {
  /** Runs the program with a given token, which needs no server, and with its output in a file for which there is no room. */
  function runIntoFile(args: string) {
    const work = join(mounted('size=8k'), 'work')
    const env = {
      PATH: pathWithoutProject,
      BITBUCKET_ACCESS_TOKEN: 'a-given-token-0123456789',
      BITBUCKET_VERIFY: 'false',
    }
    writeFileSync(join(work, 'filler'), 'x'.repeat(4_096))
    writeFileSync(join(work, 'full'), '')
    writeFileSync(join(work, 'rest'), 'x'.repeat(4_096))
    const command = `"$0" "$1" ${args} >full`
    const { status, stderr } = spawnSync('sh', ['-c', command, process.execPath, bundle], {
      cwd: work,
      env,
      encoding: 'utf8',
    })
    return { status, stderr }
  }
  const error =
    'error: stdout could not be written: ENOSPC: no space left on device, write.\n' +
    'Check where the output goes. If it is a file, make room on its disk.\n'

  test.each(['print', 'print --format sh', 'check --help', '--version'])('%s exits 1', (args) => {
    expect(runIntoFile(args)).toEqual({ status: 1, stderr: expect.stringMatching(endsWith(error)) })
  })

  test('audit exits 6', () => {
    expect(runIntoFile('audit .')).toEqual({
      status: 6,
      stderr: expect.stringContaining('The audit failed: stdout could not be written: ENOSPC'),
    })
  })

  test.each([
    ['seq 9 >&2; seq 9', 1],
    ['seq 9 >&2; seq 9; sleep 0.1; exit 7', 7],
    ['trap "" PIPE; seq 9 >&2; seq 100000; exit 8', 8],
  ])('exec shows all of stderr if it cannot write the redacted output of %s', (script, expected) => {
    const { status, stderr } = runIntoFile(`exec --redact -- sh -c '${script}'`)
    expect([status, stderr]).toEqual([expected, expect.stringMatching(endsWith(error))])
    expect(stderr).toContain('7\n8\n9\n')
  })
})

const endsWith = (text: string) => new RegExp(`${text.replace(/[.*+?()]/g, '\\$&')}$`)

/** Makes a job on GitHub's runner whose temporary directory is a mounted file system. */
function jobOn(options: string): Job {
  const tree = mounted(options, 'temp')
  const workspace = join(tree, 'workspace')
  mkdirSync(workspace)
  return { tree, temp: join(tree, 'temp'), workspace, env: {}, steps: 0 }
}

function expectNothingHandedOver({ job, env, summary }: ActionRun): void {
  expect(errorsIn(summary)).toHaveLength(1)
  expect({ env, left: filesBelow(job.temp).filter((file) => !file.endsWith('filler')) }).toEqual({
    env: {},
    left: [],
  })
}

describe('GitHub', () => {
  test('leaves nothing if RUNNER_TEMP is full, so post has nothing to remove', {
    tags: ['mount'],
  }, async ({ bitbucket }) => {
    const job = jobOn('size=8k')
    writeFileSync(join(job.temp, 'filler'), 'x'.repeat(8_192))
    const run = await runAction({ bitbucket, job })
    expect([run.status, run.stdout]).toEqual([1, expect.stringContaining('Make room on the disk')])
    expect(run.outputs).toEqual({})
    expectNothingHandedOver(run)
    const post = await runPost(run)
    expect([post.status, post.stdout]).toEqual([0, expect.stringContaining('There is nothing to remove')])
  })

  test('exits 1 and leaves nothing if RUNNER_TEMP is read-only', { tags: ['mount'] }, async ({
    bitbucket,
  }) => {
    const job = jobOn('ro,size=8k')
    const run = await runAction({ bitbucket, job })
    expect([run.status, run.stdout]).toEqual([1, expect.stringContaining('EROFS')])
    expect(run.outputs).toEqual({})
    expectNothingHandedOver(run)
  })

  // Every write to /dev/full fails with ENOSPC.
  test.each(['GITHUB_OUTPUT', 'GITHUB_ENV'])(
    'exits 1 and names %s if there is no room for it',
    async (variable) => {
      const bitbucket = await startBitbucket()
      const inputs = inputsFor.consumer(bitbucket)
      const run = await runAction({ bitbucket, inputs, env: { [variable]: '/dev/full' } })
      expect([run.status, run.stdout]).toEqual([
        1,
        expect.stringContaining(`${variable} could not be written`),
      ])
      expectNothingHandedOver(run)
    },
  )

  test.each(['file', 'dangling link', 'link to a file', 'link to itself'])(
    'exits 1 if RUNNER_TEMP is a %s, and neither follows nor makes anything',
    async (kind) => {
      const bitbucket = await startBitbucket()
      const tree = makeTree()
      const [temp, workspace, target] = ['temp', 'workspace', 'target'].map((name) => join(tree, name)) as [
        string,
        string,
        string,
      ]
      mkdirSync(workspace)
      if (kind === 'file') writeFileSync(temp, 'kept')
      else symlinkSync(kind === 'link to itself' ? temp : target, temp)
      if (kind === 'link to a file') writeFileSync(target, 'kept')
      const job = { tree, temp, workspace, env: {}, steps: 0 }
      const run = await runAction({ bitbucket, job })
      const problem =
        kind === 'link to itself' ? 'this user cannot reach it: ELOOP' : 'there is no such directory'
      expect([run.status, run.stdout]).toEqual([
        1,
        expect.stringContaining(`RUNNER_TEMP is ${temp}, but ${problem}`),
      ])
      expect(run.stdout.match(/^::error/gm)).toHaveLength(1)
      expect([run.env, run.outputs]).toEqual([{}, {}])
      const kept = filesBelow(tree).filter((file) => !file.includes('/commands/'))
      expect(kept.map((file) => readFileSync(file, 'utf8'))).toEqual(
        /dangling|itself/.test(kind) ? [] : ['kept'],
      )
    },
  )
})
