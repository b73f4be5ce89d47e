import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = join(import.meta.dirname, '../..')
const execute = promisify(execFile)
const standIns = 'bitbucket-token-stand-in'

describe.skipIf(!process.env['RELEASE'])('the image (npm run test:release)', { tags: ['buildx'] }, () => {
  test('has the same digest for every directory, umask and time of the checkout', {
    timeout: 240_000,
  }, async () => {
    const work = temporaryDirectory()
    const bases = join(work, 'bases')
    mkdirSync(bases)
    await execute(join(root, '.ci/stand-in-base'), [bases])
    const contexts = ['node', 'base', 'git'].flatMap((name) => [
      `--build-context=${standIns}/${name}=${join(bases, name)}`,
      `--build-arg=${name === 'git' ? 'GIT_BASE' : name.toUpperCase()}_IMAGE=${standIns}/${name}`,
    ])

    const digests: string[] = []
    for (const umask of ['022', '077']) {
      const clone = join(work, `clone-with-${umask}`)
      const run = async (cwd: string, script: string, ...args: readonly string[]) =>
        (
          await execute('sh', ['-ec', `umask ${umask}\n${script}`, 'sh', ...args], {
            cwd,
            maxBuffer: 2 ** 26,
          })
        ).stdout
      await run(work, `git -c safe.directory='*' clone --quiet --no-local "$1" "$2"`, root, clone)
      // A file that is not committed, and other times.
      await run(clone, 'echo >dist/99.index.js')
      for (const name of readdirSync(clone)) utimesSync(join(clone, name), 0, Number(umask))
      const build = await run(
        clone,
        'exec .ci/image/build HEAD "$@"',
        `${clone}.tar`,
        '--no-cache',
        ...contexts,
      )
      digests.push(build.trim())
    }
    expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(digests[1]).toBe(digests[0])
    // docs/verify.md: "The digest of an image is the SHA-256 of its manifest."
    const blob = `blobs/${digests[0]?.replace(':', '/')}`
    const { stdout: manifest } = await execute('tar', ['-xOf', join(work, 'clone-with-077.tar'), blob])
    expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(digests[0])
  })
})
