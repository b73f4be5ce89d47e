import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
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

describe('a step of a release', { tags: ['bash'] }, () => {
  const digestOf = (algorithm: string, text: string, encoding: 'hex' | 'base64') =>
    createHash(algorithm).update(text).digest(encoding)

  /** Runs a step in a new directory that has `release/bitbucket-token-1.2.3.tgz`, with scripts instead of programs. */
  function runStep(workflow: string, job: string, name: string, env: Record<string, string>, programs = {}) {
    const directory = temporaryDirectory()
    for (const path of ['bin', 'release']) mkdirSync(join(directory, path))
    writeFileSync(join(directory, 'release/bitbucket-token-1.2.3.tgz'), 'what was built')
    for (const [program, script] of Object.entries({ ...programs })) {
      writeFileSync(join(directory, 'bin', program), `#!/bin/sh\n${script}\n`)
      chmodSync(join(directory, 'bin', program), 0o755)
    }
    const { status, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', stepOf(workflow, job, name)], {
      cwd: directory,
      env: { PATH: `${join(directory, 'bin')}:${process.env['PATH']}`, VERSION: '1.2.3', ...env },
      encoding: 'utf8',
    })
    return { status, stderr, read: (path: string) => readFileSync(join(directory, path), 'utf8') }
  }

  test('lists the digests of everything that was built', () => {
    const { read, status } = runStep('build-release.yml', 'attest', 'List what was built', {
      // As sha256sum prints it.
      SHA256: `${'a'.repeat(64)}  -`,
      DIGEST: `sha256:${'b'.repeat(64)}`,
      GIT_DIGEST: `sha256:${'c'.repeat(64)}`,
    })
    expect(status).toBe(0)
    expect(read('SHA256SUMS')).toBe(
      [
        `${'a'.repeat(64)}  bitbucket-token-1.2.3.tgz`,
        `${'b'.repeat(64)}  index.docker.io/bitbuckettoken/bitbucket-token:1.2.3`,
        `${'c'.repeat(64)}  index.docker.io/bitbuckettoken/bitbucket-token:1.2.3-git\n`,
      ].join('\n'),
    )
  })

  test.each([
    ['passes if the registry has the digests that were signed', `sha256:${'c'.repeat(64)}`, 0],
    ['fails if the registry has another digest', `sha256:${'d'.repeat(64)}`, 1],
  ])('that pushes %s', (_, ofGit, expected) => {
    // skopeo copy --all --preserve-digests --digestfile FILE SOURCE TARGET
    const skopeo = `case $7 in *-git) printf '${ofGit}' >$5 ;; *) printf '${digest}' >$5 ;; esac`
    const env = { DIGEST: digest, GIT_DIGEST: `sha256:${'c'.repeat(64)}` }
    const step = runStep('release.yml', 'image', 'Push the images that were signed', env, { skopeo })
    expect(step.status).toBe(expected)
  })

  test.each([
    ['passes if npm has the package that was signed', 'what was built', 0],
    ['fails if npm has another package', 'something else', 1],
  ])('that looks at npm %s', { tags: ['bash', 'openssl', 'base64'] }, (_, published, expected) => {
    const npm = `[ "$2" = bitbucket-token@1.2.3 ] && echo sha512-${digestOf('sha512', published, 'base64')}`
    const name = 'npm has published the package that was signed'
    expect(runStep('release.yml', 'release', name, {}, { npm }).status).toBe(expected)
  })
})
