import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { inputsFor, startBitbucket } from './support/bitbucket.ts'
import { filesBelow } from './support/canary.ts'
import { makeTree } from './support/run.ts'
import { runShell } from './support/shell.ts'

// A real file system, where the machine lets us mount one (root, and a container that may); crashes.test.ts has the
// same with writes that are made to fail.

function mounted(options: string): string | undefined {
  const tree = makeTree()
  const work = join(tree, 'work')
  mkdirSync(work)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', work]).status !== 0) return undefined
  onTestFinished(() => {
    spawnSync('umount', [work])
  })
  return tree
}

test.for([0, 1])('a disk with room for %i of two files: nothing is left', async (pages, { skip }) => {
  const tree = mounted('size=8k')
  if (tree === undefined) return skip('no tmpfs can be mounted here')
  writeFileSync(join(tree, 'work/filler'), 'x'.repeat(4_096 * (2 - pages)))
  const bitbucket = await startBitbucket()
  const run = await runShell({ bitbucket, tree, inputs: inputsFor.consumer(bitbucket) })
  expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('Make room on the disk')])
  expect(filesBelow(tree)).toEqual([join(tree, 'work/filler')])
})

test('a read-only directory: one error, and nothing is left', async ({ skip }) => {
  const tree = mounted('ro,size=8k')
  if (tree === undefined) return skip('no tmpfs can be mounted here')
  const bitbucket = await startBitbucket()
  const run = await runShell({ bitbucket, tree, inputs: inputsFor.consumer(bitbucket) })
  expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('EROFS')])
  expect(filesBelow(tree)).toEqual([])
})
