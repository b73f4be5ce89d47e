import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { runAction } from './support/action.ts'
import { type Bitbucket, test } from './support/bitbucket.ts'
import { git, timeIsUp } from './support/shell.ts'
import { lfsFilters } from './support/workspaces.ts'

const content = randomBytes(10_000)

/** Runs the action and pushes a large file. Returns the variables of later steps. */
async function jobWithLargeFile(bitbucket: Bitbucket) {
  const { env, job } = await runAction({ bitbucket })
  const lfs = (directory: string, ...args: string[]) => git(directory, env, ...lfsFilters, ...args)
  const url = `${bitbucket.url}/sandbox/hello.git`
  await lfs(job.workspace, 'clone', '--quiet', url, 'one')
  const one = join(job.workspace, 'one')
  writeFileSync(join(one, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
  writeFileSync(join(one, 'large.bin'), content)
  await lfs(one, 'add', '.')
  await lfs(one, 'commit', '--quiet', '--message', 'A large file')
  await lfs(one, 'lfs', 'push', 'origin', 'HEAD')
  await lfs(one, '-c', 'core.hooksPath=/dev/null', 'push', '--quiet', 'origin', 'HEAD')
  return { env, job, lfs, url }
}

test('Git LFS pushes and pulls, and does not send the token to the server that stores the files', {
  tags: ['git-lfs'],
}, async ({ bitbucket }) => {
  const { job, lfs, url } = await jobWithLargeFile(bitbucket)
  await lfs(job.workspace, 'clone', '--quiet', url, 'two')
  expect(readFileSync(join(job.workspace, 'two/large.bin')).equals(content)).toBe(true)
  const hosts = [bitbucket.url, bitbucket.apiUrl].map((address) => new URL(address).host)
  const toMedia = bitbucket.requests.filter(({ headers }) => !hosts.includes(headers.host ?? ''))
  expect(toMedia.map(({ method }) => method)).toEqual(['PUT', 'GET'])
  expect(toMedia.filter(({ headers }) => headers.authorization)).toEqual([])
})

test('Git LFS stops when the token has expired, instead of asking a thousand times', {
  tags: ['git-lfs'],
}, async ({ bitbucket }) => {
  const { env, job, url } = await jobWithLargeFile(bitbucket)
  await git(job.workspace, env, 'clone', '--quiet', '--no-checkout', url, 'two')
  bitbucket.revoke(env['BITBUCKET_ACCESS_TOKEN'] ?? '')
  const before = bitbucket.requests.length
  const pull = git(join(job.workspace, 'two'), { ...env, ...timeIsUp(env) }, 'lfs', 'fetch')
  await expect(pull).rejects.toThrow(/the token expired at/)
  expect(bitbucket.requests.length - before).toBeLessThan(5)
})
