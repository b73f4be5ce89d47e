import { execFile, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { git } from '../support/git.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const version = '1.2.3'
const date = '2026-11-30'

/** The end-to-end tests to run on the installed package. RELEASE=all runs all of them, which takes minutes. */
const endToEnd = ['github', 'shell', 'pipe']

const image = `bitbucket-token:release-${process.pid}`

/** Makes a release without the network, so without the last step, which GitHub does. */
describe.skipIf(!process.env['RELEASE'])('a release (npm run test:release)', () => {
  let work = ''
  let clone = ''
  let tagged = ''
  let installed = ''
  const run = async (
    cwd: string,
    file: string,
    args: readonly string[],
    more: Record<string, string> = {},
  ) => {
    // The tests that this test starts must not inherit its variables.
    const { RELEASE: _, IMAGE: _image, SUITE: _suite, ...env } = process.env
    for (const name of Object.keys(env)) if (name.startsWith('VITEST')) delete env[name]
    const options = { cwd, env: { ...env, ...more }, maxBuffer: 2 ** 26 }
    return (
      await execute(file, args, options).catch((error: { stdout?: string; stderr?: string }) => {
        throw new Error(`${file} ${args.join(' ')} failed:\n${error.stdout}\n${error.stderr}`)
      })
    ).stdout
  }

  beforeAll(async () => {
    work = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-release-'))
    clone = join(work, 'clone')
    tagged = join(work, 'tagged')
    const files = git(
      root,
      '-c',
      `safe.directory=${root}`,
      'ls-files',
      '-z',
      '--cached',
      '--others',
      '--exclude-standard',
    )
    for (const name of files.split('\0').filter((path) => path !== '' && existsSync(join(root, path))))
      cpSync(join(root, name), join(clone, name))
    // A release needs an unreleased change, so one is added if there is none.
    const changelog = join(clone, 'CHANGELOG.md')
    const changes = readFileSync(changelog, 'utf8')
    if (!changes.includes('\n## Unreleased\n'))
      writeFileSync(changelog, changes.replace(/^## /m, '## Unreleased\n\n- Something.\n\n## '))
    await installDependencies(clone)
    git(clone, 'init', '--quiet')
    git(clone, 'add', '--all')
    git(clone, 'commit', '--quiet', '--message', 'what is to be released')

    await run(clone, 'npx', ['--no-install', 'node', 'scripts/release/prepare.ts', version, date])
    git(clone, 'add', '--all')
    git(clone, 'commit', '--quiet', '--message', `Release ${version}`)
    git(clone, 'tag', `v${version}`)
    git(work, 'clone', '--quiet', '--branch', `v${version}`, clone, tagged)
    await installDependencies(tagged)

    // Like build-release.yml: prepack builds, and the archive is what is published.
    await run(tagged, 'npm', ['run', 'prepack'])
    await run(tagged, 'npm', ['pack', '--ignore-scripts', '--pack-destination', work])
    const home = join(work, 'home')
    mkdirSync(home)
    writeFileSync(join(home, 'package.json'), '{"private":true,"type":"module"}')
    const archive = join(work, `bitbucket-token-${version}.tgz`)
    const options = ['--offline', '--no-audit', '--no-fund', '--cache', join(work, 'cache')]
    await run(home, 'npm', ['install', ...options, archive])
    installed = join(home, 'node_modules/bitbucket-token')
  }, 300_000)

  afterAll(() => {
    spawnSync('docker', ['image', 'rm', '--force', image, `${image}-git`], { stdio: 'ignore' })
    rmSync(work, { recursive: true, force: true })
  }, 120_000)

  /** Links node_modules into a directory, because installing from the lock file would take longer. */
  async function installDependencies(directory: string) {
    await run(root, 'cp', ['--archive', '--link', 'node_modules', directory])
    // vitest writes its cache in place, so a link would change the original.
    rmSync(join(directory, 'node_modules/.vite'), { recursive: true, force: true })
  }

  test('changes only the version, wherever it is written, and dist', () => {
    const before = JSON.parse(git(clone, 'show', 'HEAD~:package.json')).version as string
    const difference = git(
      clone,
      'show',
      '--unified=0',
      '--format=',
      'HEAD',
      '--',
      '.',
      ':!dist',
      ':!CHANGELOG.md',
    )
    const lines = (sign: string) =>
      difference.split('\n').filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3)))
    // The first release also removes the notice that there is none.
    const removed = lines('-')
      .filter((line) => !line.startsWith('-> '))
      .map((line) => line.slice(1).replaceAll(before, version))
    expect(removed.length).toBeGreaterThan(10)
    expect(
      lines('+')
        .map((line) => line.slice(1))
        .sort(),
    ).toEqual(removed.sort())
    expect(git(clone, 'show', '--name-only', '--format=', 'HEAD')).toContain('\ndist/')
    expect(git(clone, 'status', '--porcelain')).toBe('')
  })

  test('updates every version of the pipe, the image and the package', () => {
    const texts = git(
      clone,
      'grep',
      '--extended-regexp',
      '--only-matching',
      '-h',
      'bitbucket-?token/bitbucket-token:[0-9.]+[0-9]',
      '--',
      '*.md',
      '*.yml',
    )
      .trim()
      .split('\n')
    expect(new Set(texts)).toEqual(
      new Set([`bitbucket-token/bitbucket-token:${version}`, `bitbuckettoken/bitbucket-token:${version}`]),
    )
    const lock = JSON.parse(readFileSync(join(tagged, 'package-lock.json'), 'utf8'))
    expect([lock.version, lock.packages[''].version]).toEqual([version, version])
  })

  test('has the notes that release.yml publishes', async () => {
    expect(readFileSync(join(tagged, 'CHANGELOG.md'), 'utf8')).toContain(`\n## ${version} (${date})\n\n`)
    expect(await run(tagged, 'node', ['scripts/release/notes.ts', `v${version}`])).toMatch(/^- \S/)
  })

  test('has the dist in its tag that its sources build', () => {
    // prepack has rebuilt dist.
    expect(git(tagged, 'status', '--porcelain')).toBe('')
    expect(contentsOf(join(installed, 'dist'))).toEqual(contentsOf(join(tagged, 'dist')))
  })

  test('prints its version after installation', async () => {
    const program = join(dirname(installed), '.bin/bitbucket-token')
    expect(await run(work, program, ['--version'])).toBe(`${version}\n`)
  })

  test('passes the end-to-end tests after installation', async () => {
    const all = process.env['RELEASE'] === 'all'
    const files = all ? ['test/e2e'] : endToEnd.map((name) => `test/e2e/${name}.test.ts`)
    const program = join(installed, 'dist/index.js')
    const said = await run(clone, 'npx', ['--no-install', 'vitest', 'run', ...files], {
      PROGRAM: program,
      NO_COLOR: '1',
    })
    expect(said).toMatch(/^ +Tests +\d+ passed/m)
  }, 600_000)

  test('passes the image tests with an image that is built from the tag', {
    tags: ['docker'],
    timeout: 300_000,
  }, async () => {
    const bases = (await run(tagged, '.ci/stand-in-base', [])).trim().split(' ')
    const built = { DOCKER_BUILDKIT: '0' }
    await run(tagged, 'docker', ['build', ...bases, '--tag', image, '.'], built)
    await run(tagged, 'docker', ['build', ...bases, '--target=git', '--tag', `${image}-git`, '.'], built)
    const inImage = await run(work, 'docker', [
      'run',
      '--rm',
      '--network=none',
      '--entrypoint=/bin/sh',
      image,
      '-c',
      'cat /opt/bitbucket-token/package.json; cd /opt/bitbucket-token/dist; sha256sum *',
    ])
    const outside = await run(join(installed, 'dist'), 'sh', ['-c', 'cat ../package.json; sha256sum *'])
    expect(inImage).toBe(outside)
    const said = await run(clone, 'npx', ['--no-install', 'vitest', 'run', 'test/image'], {
      IMAGE: image,
      NO_COLOR: '1',
    })
    expect(said).toMatch(/^ +Tests +\d+ passed/m)
  })
})

function contentsOf(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'base64')]),
  )
}
