// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these tests use shell syntax in strings.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, describe, expect, onTestFinished, test as plainTest, vi } from 'vitest'
import type { Results } from '../../src/hosts/host.ts'
import { outputDirectoryHost } from '../../src/hosts/output-directory.ts'
import { pipelines } from '../../src/hosts/pipelines.ts'
import { shellQuote } from '../../src/hosts/shell-quote.ts'
import { Secret } from '../../src/secret.ts'
import { failure } from '../support/failure.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { git } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { anyValue } from './values.ts'

afterEach(() => void vi.restoreAllMocks())

const test = plainTest.extend('cwd', () => temporaryDirectory())

/** The shells in which `env.sh` must work, each a program and its options. */
const commands = [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']] as const

const modeOf = (path: string) => lstatSync(path).mode & 0o777

function hostIn(cwd: string, path = '.bitbucket-token', debug = false) {
  const world = fakeWorld({ cwd })
  const host = outputDirectoryHost(world, { path, emptySecretHint: '', debug })
  return { world, host, directory: join(cwd, path) }
}

const results = (variables: Record<string, string | Secret>, given: Partial<Results> = {}): Results => ({
  variables: new Map(Object.entries(variables)),
  outputs: new Map([['access-token', new Secret('not here')]]),
  gitConfig: [],
  ...given,
})

/** Runs a script in a real shell, with only PATH in the environment. */
function run([file, ...options]: readonly string[], script: string, { cwd = '/', env = {} } = {}) {
  const { PATH = '' } = process.env
  const { status, stdout, stderr, error } = spawnSync(file ?? '', [...options, '-c', script], {
    cwd,
    env: { PATH, LC_ALL: 'C.UTF-8', ...env },
    encoding: 'utf8',
    // bash reads .bashrc if its input is a socket.
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error !== undefined) throw new Error(`${file} cannot be run: ${error.message}`)
  return { status, stdout, stderr }
}

for (const command of commands) {
  describe(`env.sh in ${command.join(' ')}`, { tags: [command[0]] }, () => {
    test('exports each value unchanged, and prints none of it under set -x', () => {
      const { host } = hostIn(temporaryDirectory())
      const file = join(host.writeSecretFile('git-credentials', new Secret('')), '../env.sh')
      fc.assert(
        fc.property(fc.array(anyValue, { minLength: 1, maxLength: 30 }), (values) => {
          const names = values.map((_, index) => `BITBUCKET_TEST_${index}`)
          host.handOver(
            results(Object.fromEntries(values.map((value, index) => [names[index], new Secret(value)]))),
          )
          // A child process sees only exported variables.
          const show = `printenv -0 ${names.join(' ')}`
          const { status, stdout, stderr } = run(command, `set -x; . ${shellQuote(file)}; ${show}`)
          expect(stdout.split('\0').slice(0, -1)).toEqual(values)
          expect(status).toBe(0)
          expect(stderr).toMatch(/^\++ \. .*\n$/)
          expect(stderr).toContain('/.bitbucket-token/env.sh')
          expect(stderr.split('\n')).toHaveLength(2)
        }),
        { numRuns: 25 },
      )
    })

    test('prints nothing under set -v, which prints lines before they run', ({ cwd }) => {
      hostIn(cwd).host.handOver(results({ BITBUCKET_ACCESS_TOKEN: new Secret('hunter') }))
      const { stdout, stderr } = run(
        command,
        'set -v; . ./.bitbucket-token/env.sh; printenv BITBUCKET_ACCESS_TOKEN',
        { cwd },
      )
      expect(stdout).toBe('hunter\n')
      expect(stderr).not.toContain('hunter')
    })

    test('works from any directory, under set -eu, and more than once', ({ cwd }) => {
      const { host } = hostIn(cwd)
      const usage = host.handOver(
        results(
          { BITBUCKET_ACCESS_TOKEN: new Secret('hunter') },
          { gitConfig: [['user.name', "O'Neil $x"]] },
        ),
      )
      const load = usage?.replace(/^For this shell: /, '')
      expect(load).toBe(`. ${shellQuote(join(cwd, '.bitbucket-token/env.sh'))}`)
      const script = `set -eu; ${load}; ${load}; printf %s "$BITBUCKET_ACCESS_TOKEN"; git config user.name`
      expect(run(command, script, { cwd: '/usr' })).toEqual({
        status: 0,
        stdout: "hunterO'Neil $x\n",
        stderr: '',
      })
    })

    test("adds to git's configuration in the environment", ({ cwd }) => {
      const { host } = hostIn(cwd)
      host.handOver(results({ A: '1' }, { gitConfig: [['x.two', '2']] }))
      const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'x.one', GIT_CONFIG_VALUE_0: '1' }
      const script = '. ./.bitbucket-token/env.sh; git config --get-regexp "^x[.]"'
      expect(run(command, script, { cwd, env }).stdout).toBe('x.one 1\nx.two 2\n')
    })
  })
}

describe('the directory', () => {
  test('is ignored by git', { tags: ['git'] }, ({ cwd }) => {
    git(cwd, 'init', '-q')
    const { host, world } = hostIn(cwd)
    host.writeSecretFile('git-credentials', new Secret('x'))
    host.handOver(results({ A: '1' }))
    git(cwd, 'add', '-A')
    expect(git(cwd, 'status', '--porcelain', '--untracked-files=all')).toBe('')
    expect(world.err()).toBe('')
  })

  test('is refused if it contains other files, and nothing is written to it', ({ cwd }) => {
    writeFileSync(join(cwd, 'README.md'), '')
    chmodSync(cwd, 0o755)
    const { host } = hostIn(cwd, '.')
    expect(() => host.writeSecretFile('git-credentials', new Secret('x'))).toThrow('README.md')
    expect(() => host.handOver(results({ A: '1' }))).toThrow('README.md')
    expect([readdirSync(cwd), modeOf(cwd)]).toEqual([['README.md'], 0o755])
  })
})

describe('a failed run', () => {
  test('removes its files and the directory', ({ cwd }) => {
    const { host } = hostIn(cwd)
    host.writeSecretFile('git-credentials', new Secret('x'))
    host.discard()
    expect(readdirSync(cwd)).toEqual([])
  })

  test('keeps the files of earlier runs if it wrote none', ({ cwd }) => {
    const earlier = hostIn(cwd).host
    earlier.writeSecretFile('git-credentials', new Secret('x'))
    earlier.handOver(results({ A: '1' }))
    hostIn(cwd).host.discard()
    expect(readdirSync(join(cwd, '.bitbucket-token')).toSorted()).toEqual([
      '.gitignore',
      'env.sh',
      'git-credentials',
    ])
  })

  test('keeps an empty directory that it did not create', ({ cwd }) => {
    mkdirSync(join(cwd, '.bitbucket-token'))
    hostIn(cwd).host.discard()
    expect(readdirSync(cwd)).toEqual(['.bitbucket-token'])
  })
})

test('the clean-up removes the files of all runs, except a refresh token', ({ cwd }) => {
  const { host } = hostIn(cwd)
  host.keep('refresh-token', new Secret('new'))
  const file = host.writeSecretFile('git-credentials', new Secret('x'))
  host.handOver(results({ A: '1' }))
  const directory = join(cwd, '.bitbucket-token')
  expect(hostIn(cwd).host.clean?.(false)).toEqual({
    removed: [join(directory, 'env.sh'), file],
    kept: [join(directory, 'refresh-token')],
  })
  expect(readdirSync(directory)).toEqual(['.gitignore', 'refresh-token'])
  expect(hostIn(cwd).host.clean?.(true)).toEqual({ removed: [join(directory, 'refresh-token')], kept: [] })
  expect(readdirSync(cwd)).toEqual([])
})

test('the clean-up of a missing directory removes nothing', ({ cwd }) => {
  expect(hostIn(cwd).host.clean?.(true)).toEqual({ removed: [], kept: [] })
})

describe('before a run', () => {
  test('the files of earlier runs are removed, except a refresh token', ({ cwd }) => {
    const { host, directory } = hostIn(cwd)
    host.keep('refresh-token', new Secret('new'))
    host.writeSecretFile('git-credentials', new Secret('x'))
    host.prepare()
    expect(readdirSync(directory)).toEqual(['.gitignore', 'refresh-token'])
  })

  test('an empty directory stays, because it may be a mount', ({ cwd }) => {
    const { host, directory } = hostIn(cwd)
    mkdirSync(directory)
    host.prepare()
    expect(readdirSync(cwd)).toEqual(['.bitbucket-token'])
  })

  test('a path below a file is not an error yet', ({ cwd }) => {
    writeFileSync(join(cwd, 'file'), '')
    const { host } = hostIn(cwd, 'file/out')
    host.prepare()
    expect(failure(() => host.writeSecretFile('a', new Secret('x'))).code).toBe('file')
  })

  test.each([
    ['keeps all files in it', '', ['.gitignore', 'README.md', 'env.sh', 'refresh-token']],
    ['removes the old token from our own directory', '*\n', ['.gitignore', 'README.md', 'refresh-token']],
  ])('a directory with other files is refused: %s', (_, gitignore, kept) => {
    const cwd = temporaryDirectory()
    for (const name of ['README.md', 'env.sh', 'refresh-token']) writeFileSync(join(cwd, name), '')
    writeFileSync(join(cwd, '.gitignore'), gitignore)
    const { code, message, nextStep } = failure(() => hostIn(cwd, '.').host.prepare())
    expect(code).toBe('input')
    expect(message).toMatch(/ holds other files, such as .*, so no secret was written there\.$/)
    expect(nextStep).toBe('Set output-dir to a directory that is only for the secret files.')
    expect(readdirSync(cwd).toSorted()).toEqual(kept)
  })

  test('a directory with a file that git tracks is refused', { tags: ['git'] }, ({ cwd }) => {
    const { host, directory } = hostIn(cwd)
    const file = host.writeSecretFile('git-credentials', new Secret('x'))
    git(cwd, 'init', '-q')
    git(cwd, 'add', '--force', file)
    expect(failure(() => host.prepare())).toMatchObject({
      code: 'input',
      message: `git tracks ${file}, so the next commit would contain the secrets in it.`,
      nextStep: `Remove it from git and commit that: git rm -r --cached ${shellQuote(directory)}\nOr set output-dir to another directory.`,
    })
    expect(readdirSync(directory)).toContain('git-credentials')
  })

  test("git's index is ignored if it cannot be read", ({ cwd }) => {
    mkdirSync(join(cwd, '.git'))
    writeFileSync(join(cwd, '.git/index'), 'not an index')
    const { host, world } = hostIn(cwd, undefined, true)
    host.prepare()
    expect(world.err()).toBe(
      `debug: ${join(cwd, '.git/index')} was not read: it is not an index of a known version.\n`,
    )
  })
})

test('a name that is not UTF-8 is refused', ({ cwd }) => {
  const { host, directory } = hostIn(cwd, 'out-\uFFFD')
  for (const work of [() => host.prepare(), () => host.clean?.(true)]) {
    expect(failure(work)).toMatchObject({
      code: 'input',
      message: `The path ${directory} is not valid UTF-8, so node cannot use that directory.`,
      nextStep: 'Rename the directory, or set output-dir to another directory.',
    })
  }
})

describe('if writing a file fails', () => {
  /** Writes a file, and does this once while the file is only half written. */
  function writeDuring(cwd: string, interruption: (directory: string) => void) {
    const { host, directory } = hostIn(cwd)
    const content = new Secret('x')
    vi.spyOn(content, 'reveal').mockImplementationOnce(() => {
      interruption(directory)
      return 'x'
    })
    return host.writeSecretFile('git-credentials', content)
  }

  test('because another run removed the directory, it is repeated', ({ cwd }) => {
    const file = writeDuring(cwd, (directory) => rmSync(directory, { recursive: true }))
    expect(readFileSync(file, 'utf8')).toBe('x')
  })

  test('for another reason, it is not repeated', ({ cwd }) => {
    const fail = () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    }
    expect(failure(() => writeDuring(cwd, fail)).message).toContain('could not be written')
  })
})

describe("another user's clone or directory", { tags: ['root'] }, () => {
  const [ada, bob] = [1000, 1001]

  /** Creates a clone, and a directory in it if `own` names its owner. */
  function cloneOf(owner: number, own?: number, mode = 0o700) {
    const cwd = temporaryDirectory()
    lchownSync(cwd, owner, owner)
    const clone = hostIn(cwd)
    if (own === undefined) return clone
    mkdirSync(clone.directory)
    chmodSync(clone.directory, mode)
    lchownSync(clone.directory, own, own)
    return clone
  }

  const forbidActingAsOthers = () =>
    vi.spyOn(process, 'setgroups').mockImplementation(() => {
      throw new Error('EPERM')
    })

  test.each([
    ['a new directory', undefined],
    ['the directory of that user', ada],
  ])('root writes files of the owner of the clone into %s', (_, own) => {
    const { host } = cloneOf(ada, own)
    const file = host.writeSecretFile('git-credentials', new Secret('x'))
    expect([lstatSync(file).uid, lstatSync(dirname(file)).uid]).toEqual([ada, ada])
  })

  const runAs = (uid: number) =>
    `Remove it, run this command as that user (docker run --user ${uid}:${uid}), or set output-dir to another directory.`

  test.each([
    ['that belongs to a third user', 0, ada, bob, 0o700, runAs(bob)],
    ['that others can read', 0, ada, ada, 0o755, runAs(ada)],
    ["that is not root's, in root's clone", 0, 0, ada, 0o700, runAs(ada)],
    ["that is the clone owner's, for a third user", bob, ada, ada, 0o700, runAs(ada)],
    ["that is root's", bob, bob, 0, 0o700, 'Remove it as root, or set output-dir to another directory.'],
  ])('a directory %s is refused', (_, self, owner, own, mode, nextStep) => {
    const { host, directory } = cloneOf(owner, own, mode)
    vi.spyOn(process, 'geteuid').mockReturnValue(self)
    expect(failure(() => host.prepare())).toMatchObject({
      code: 'input',
      message: `${directory} belongs to another user (uid ${own}), so no secret was written there and nothing was removed.`,
      nextStep,
    })
  })

  test('root that may not act as its owner warns once, and owns the files', () => {
    const { host, world, directory } = cloneOf(ada)
    forbidActingAsOthers()
    host.clean?.(true)
    expect(world.err()).toBe('')
    host.prepare()
    expect(lstatSync(host.writeSecretFile('git-credentials', new Secret('x'))).uid).toBe(0)
    expect(world.err()).toBe(
      `warning: ${directory} will belong to root, because root may not act as uid 1000 here, so that user cannot read the files.\n` +
        'Run this command as that user: docker run --user 1000:1000\n',
    )
  })

  test('root that may not act as its owner refuses the directory of that user', () => {
    const { host } = cloneOf(ada, ada)
    forbidActingAsOthers()
    expect(failure(() => host.prepare()).nextStep).toBe(runAs(ada))
  })
})

test("the log includes debug text if Pipelines' own DEBUG is set", () => {
  for (const [env, said] of [
    [{ DEBUG: 'true' }, 'debug: x\n'],
    [{ DEBUG: 'False' }, ''],
  ] as const) {
    const world = fakeWorld({ env, cwd: temporaryDirectory() })
    pipelines(world, undefined, false).log.debug('x')
    expect(world.err()).toBe(said)
  }
})

describe('the path of the directory', () => {
  test('is in the clone in Pipelines, because the next step shares it', () => {
    const clone = temporaryDirectory()
    const world = fakeWorld({ env: { BITBUCKET_CLONE_DIR: clone }, cwd: '/' })
    const file = pipelines(world, undefined, false).writeSecretFile('git-credentials', new Secret('x'))
    expect(file).toBe(join(clone, '.bitbucket-token/git-credentials'))
  })

  test('is in the working directory in Pipelines if the clone is not mounted', ({ cwd }) => {
    symlinkSync('loop', join(cwd, 'loop'))
    for (const clone of ['gone', 'loop']) {
      const world = fakeWorld({ env: { BITBUCKET_CLONE_DIR: join(cwd, clone) }, cwd })
      const file = pipelines(world, undefined, false).writeSecretFile('git-credentials', new Secret('x'))
      expect(file).toBe(join(cwd, '.bitbucket-token/git-credentials'))
    }
  })
})

test('shellQuote returns one word', { tags: ['sh'] }, () => {
  expect(shellQuote("it's")).toBe("'it'\\''s'")
  expect(shellQuote('')).toBe("''")
  expect(execFileSync('sh', ['-c', `printf '<%s>' ${shellQuote('a b  $c')}`]).toString()).toBe('<a b  $c>')
})

test('prepare and clean succeed while another run makes and removes the directory', async ({ cwd }) => {
  const otherRun = `
    const { mkdirSync, rmSync, writeFileSync } = require('node:fs')
    const { parentPort, workerData: directory } = require('node:worker_threads')
    const attempt = (work) => { try { work() } catch {} }
    parentPort.postMessage('started')
    for (;;) {
      attempt(() => mkdirSync(directory, { mode: 0o700 }))
      attempt(() => writeFileSync(directory + '/env.sh', ''))
      attempt(() => rmSync(directory, { recursive: true, force: true }))
    }`
  const worker = new Worker(otherRun, { eval: true, workerData: join(cwd, '.bitbucket-token') })
  onTestFinished(async () => void (await worker.terminate()))
  await new Promise((resolve) => worker.once('message', resolve))
  const { host } = hostIn(cwd)
  for (let count = 0; count < 2_000; count++) {
    host.prepare()
    host.clean?.(true)
  }
})
