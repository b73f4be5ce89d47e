import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mapsWith, parseYaml, readText, root } from '../metadata/files.ts'
import { git, gitEnvironment } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
const dockerfiles = ['Dockerfile', '.ci/image/node.Dockerfile', '.ci/image/git.Dockerfile']

const stepOf = (workflow: string, job: string, name: string): string => {
  const { jobs } = parseYaml(readText(`.github/workflows/${workflow}`)) as { jobs: Record<string, unknown> }
  const step = mapsWith('run', jobs[job]).find((candidate) => candidate['name'] === name)
  return String(step?.['run'])
}

describe('the base images', { tags: ['sh'] }, () => {
  const copy = () => {
    const directory = temporaryDirectory()
    for (const name of [...dockerfiles, 'scripts/release/pin-images.ts'])
      cpSync(join(root, name), join(directory, name), { recursive: true })
    const bin = join(directory, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'docker'), `#!/bin/sh\necho "$@" >>'asked'\necho ${digest}\n`)
    chmodSync(join(bin, 'docker'), 0o755)
    const run = (file: string, ...args: string[]) =>
      spawnSync(file, args, {
        cwd: directory,
        env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
        encoding: 'utf8',
      })
    const edit = (name: string, change: (text: string) => string) =>
      writeFileSync(join(directory, name), change(readFileSync(join(directory, name), 'utf8')))
    return {
      edit,
      read: (name: string) => readFileSync(join(directory, name), 'utf8'),
      pin: () => run(process.execPath, 'scripts/release/pin-images.ts'),
      check: () =>
        run(
          'bash',
          '-eo',
          'pipefail',
          '-c',
          stepOf('build-release.yml', 'image', 'The base images are pinned to digests'),
        ),
    }
  }

  test('get the digests of their tags, also if they have one already', { tags: ['bash'] }, () => {
    const { read, pin, check } = copy()
    for (const _ of [1, 2]) {
      expect(pin()).toMatchObject({ status: 0, stderr: '' })
      for (const name of dockerfiles)
        for (const [line] of read(name).matchAll(/^ARG (NODE|BASE)_IMAGE=.*/gm))
          expect(line).toMatch(new RegExp(`^ARG \\w+=[a-z]+:[\\d.]+[\\w.-]*@${digest}$`))
    }
    expect(new Set(read('asked').trim().split('\n')).size).toBe(2)
    expect(check()).toMatchObject({ status: 0 })
  })

  test('must have digests in a release', { tags: ['bash'] }, () => {
    const { check, edit } = copy()
    for (const name of dockerfiles) edit(name, (text) => text.replaceAll(/(_IMAGE=[^@\s]+)@.*/g, '$1'))
    const { status, stdout } = check()
    expect([status, stdout.trim().split('\n').length]).toEqual([1, 4])
  })
})

test('the tag for Pipelines has one commit more than main, with the digest of the image in pipe.yml', {
  tags: ['bash', 'git'],
}, () => {
  const work = temporaryDirectory()
  const [clone, remote] = [join(work, 'clone'), join(work, 'remote.git')]
  git(work, 'init', '--quiet', '--bare', remote)
  git(work, 'init', '--quiet', clone)
  cpSync(join(root, 'pipe.yml'), join(clone, 'pipe.yml'))
  git(clone, 'add', '--all')
  git(clone, 'commit', '--quiet', '--message', 'Release 1.2.3')
  const released = git(clone, 'rev-parse', 'HEAD').trim()
  const step = stepOf('release.yml', 'mirror', 'Push the tag, with the digest in pipe.yml')
  const { status, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', step], {
    cwd: clone,
    env: {
      ...gitEnvironment(),
      VERSION: '1.2.3',
      DIGEST: digest,
      GITHUB_SHA: released,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${remote}.insteadOf`,
      GIT_CONFIG_VALUE_0: 'https://bitbucket.org/bitbucket-token/bitbucket-token.git',
    },
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([0, expect.anything()])
  expect(git(remote, 'rev-parse', 'refs/heads/main').trim()).toBe(released)
  expect(git(remote, 'rev-parse', '1.2.3~').trim()).toBe(released)
  const before = git(remote, 'show', 'main:pipe.yml')
  const [image = ''] = /^image: .*/m.exec(before) ?? []
  expect(git(remote, 'show', '1.2.3:pipe.yml')).toBe(before.replace(image, `${image}@${digest}`))
})
