import { describe, expect, test } from 'vitest'
import { inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { makeTree } from '../e2e/support/run.ts'
import { docker, gitImage, image, runImage } from './support/container.ts'

/** Clones, pushes a large file, and gets it in two more clones: by `git clone`, and by `git lfs pull`. */
const job = `
  set -eu
  cd /tmp
  bitbucket-token
  . .bitbucket-token/env.sh
  git clone --quiet "$URL" one
  cd one
  echo '*.bin filter=lfs diff=lfs merge=lfs -text' >.gitattributes
  head -c 10000 /dev/urandom >large.bin
  git add .
  git -c user.name=ci -c user.email=ci@example.com commit --quiet --message 'A large file'
  git lfs push origin HEAD
  git push --quiet origin HEAD
  cd ..
  git clone --quiet "$URL" two
  cmp one/large.bin two/large.bin
  GIT_LFS_SKIP_SMUDGE=1 git clone --quiet "$URL" three
  grep -q '^version https://git-lfs' three/large.bin
  (cd three && git lfs pull)
  cmp one/large.bin three/large.bin
  command -v ssh
  echo done`

describe.skipIf(image === '')('the image with git', { tags: ['docker'] }, () => {
  test.each([
    ['root', []],
    ['a user without a name', ['--user=12345:12345']],
  ])('clones, pushes and gets LFS files as %s', async (_, options) => {
    const bitbucket = await startBitbucket()
    const ended = await runImage({
      bitbucket,
      tree: makeTree(),
      inputs: inputsFor.consumer(bitbucket),
      env: { URL: `${bitbucket.url}/${bitbucket.repository}.git` },
      options,
      from: gitImage,
      // As GitLab does with an empty entry point.
      command: ['', '/bin/sh', '-c', job],
    })
    expect([ended.stdout.split('\n').slice(-3), ended.stderr, ended.status]).toEqual([
      ['/usr/bin/ssh', 'done', ''],
      expect.anything(),
      0,
    ])
  })

  test('has the same program and settings as the small image', async () => {
    const settings = async (name: string) => {
      const [{ Config }] = JSON.parse(await docker('image', 'inspect', name))
      const { Entrypoint, Cmd, User, WorkingDir, Env } = Config
      return { Entrypoint, Cmd, User, WorkingDir, Env }
    }
    expect(await settings(gitImage)).toEqual(await settings(image))
    const version = async (name: string) => await docker('run', '--rm', '--network=none', name, '--version')
    expect(await version(gitImage)).toBe(await version(image))
  })

  test('has the certificates that git needs', async () => {
    const list = ['--entrypoint=/bin/sh', gitImage, '-c', 'grep -c BEGIN /etc/ssl/certs/ca-certificates.crt']
    expect(Number(await docker('run', '--rm', '--network=none', ...list))).toBeGreaterThan(50)
  })
})
