// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what means something to a shell is tested here.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Results } from '../../src/hosts/host.ts'
import { outputDirectoryHost } from '../../src/hosts/output-directory.ts'
import { pipelines } from '../../src/hosts/pipelines.ts'
import { shell } from '../../src/hosts/shell.ts'
import { shellQuote } from '../../src/hosts/shell-quote.ts'
import { Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { git } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** The shells that `env.sh` must work in, each a program and its options. */
const commands = [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']] as const

const modeOf = (path: string) => lstatSync(path).mode & 0o777

function hostIn(cwd: string, path = '.bitbucket-token') {
  const world = fakeWorld({ cwd })
  return { world, host: outputDirectoryHost(world, { path, whyEmpty: '', debug: false }) }
}

const results = (variables: Record<string, string | Secret>, given: Partial<Results> = {}): Results => ({
  variables: new Map(Object.entries(variables)),
  outputs: new Map([['access-token', new Secret('not here')]]),
  gitConfig: [],
  ...given,
})

/** A script in a real shell, with no environment but PATH. */
function run([file, ...options]: readonly string[], script: string, { cwd = '/', env = {} } = {}) {
  const { PATH = '' } = process.env
  const { status, stdout, stderr, error } = spawnSync(file ?? '', [...options, '-c', script], {
    cwd,
    env: { PATH, LC_ALL: 'C.UTF-8', ...env },
    encoding: 'utf8',
    // bash reads .bashrc where its input is a socket.
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error !== undefined) throw new Error(`${file} cannot be run: ${error.message}`)
  return { status, stdout, stderr }
}

/** Values with all that means something to a shell. An environment cannot hold a NUL, nor can a shell's variable. */
const anyValue = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        "'",
        '"',
        '`',
        '$',
        '$(id)',
        '${HOME}',
        '`id`',
        '\\',
        "'\\''",
        '\n',
        '\r',
        '!',
        '#',
        ';',
        '&',
        '%s',
      ),
      fc.constantFrom(' ', '\t', '~', '*', '-n', '€', '\u0001', '\u007f', '\n\n'),
    ),
  )
  .map((pieces) => pieces.join('').replaceAll('\0', ''))

for (const command of commands) {
  describe(`env.sh in ${command.join(' ')}`, { tags: [command[0]] }, () => {
    test('gives each value as it is, and shows none of it under set -x', () => {
      const { host } = hostIn(temporaryDirectory())
      const file = join(host.writeSecretFile('git-credentials', new Secret('')), '../env.sh')
      fc.assert(
        fc.property(fc.array(anyValue, { minLength: 1, maxLength: 30 }), (values) => {
          const names = values.map((_, index) => `BITBUCKET_TEST_${index}`)
          host.handOver(
            results(Object.fromEntries(values.map((value, index) => [names[index], new Secret(value)]))),
          )
          // Another process sees only what was exported.
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

    test('shows nothing under set -v either, which prints lines before they are run', () => {
      const cwd = temporaryDirectory()
      hostIn(cwd).host.handOver(results({ BITBUCKET_ACCESS_TOKEN: new Secret('hunter') }))
      const { stdout, stderr } = run(
        command,
        'set -v; . ./.bitbucket-token/env.sh; printenv BITBUCKET_ACCESS_TOKEN',
        { cwd },
      )
      expect(stdout).toBe('hunter\n')
      expect(stderr).not.toContain('hunter')
    })

    test('works from any directory, under set -eu, as often as one likes', () => {
      const cwd = temporaryDirectory()
      const { host } = hostIn(cwd)
      const say = host.handOver(
        results(
          { BITBUCKET_ACCESS_TOKEN: new Secret('hunter') },
          { gitConfig: [['user.name', "O'Neil $x"]] },
        ),
      )
      const command_ = say?.replace(/^For this shell: /, '')
      expect(command_).toBe(`. ${shellQuote(join(cwd, '.bitbucket-token/env.sh'))}`)
      const script = `set -eu; ${command_}; ${command_}; printf %s "$BITBUCKET_ACCESS_TOKEN"; git config user.name`
      expect(run(command, script, { cwd: '/usr' })).toEqual({
        status: 0,
        stdout: "hunterO'Neil $x\n",
        stderr: '',
      })
    })

    test("adds to git's configuration in the environment", () => {
      const cwd = temporaryDirectory()
      const { host } = hostIn(cwd)
      host.handOver(results({ A: '1' }, { gitConfig: [['x.two', '2']] }))
      const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'x.one', GIT_CONFIG_VALUE_0: '1' }
      const script = '. ./.bitbucket-token/env.sh; git config --get-regexp "^x[.]"'
      expect(run(command, script, { cwd, env }).stdout).toBe('x.one 1\nx.two 2\n')
    })
  })
}

describe('the directory', () => {
  test.each([0o000, 0o022, 0o077, 0o777])('and its files are ours alone under umask %o', (mask) => {
    const cwd = temporaryDirectory()
    const { host } = hostIn(cwd)
    const before = process.umask(mask)
    onTestFinished(() => void process.umask(before))
    const file = host.writeSecretFile('git-credentials', new Secret('x'))
    host.keep('refresh-token', new Secret('y'))
    host.handOver(results({ A: '1' }))
    expect(file).toBe(join(cwd, '.bitbucket-token/git-credentials'))
    expect(modeOf(join(cwd, '.bitbucket-token'))).toBe(0o700)
    for (const name of ['git-credentials', 'refresh-token', 'env.sh']) {
      expect(modeOf(join(cwd, '.bitbucket-token', name))).toBe(0o600)
    }
  })

  test('is left out of git', { tags: ['git'] }, () => {
    const cwd = temporaryDirectory()
    git(cwd, 'init', '-q')
    const { host, world } = hostIn(cwd)
    host.writeSecretFile('git-credentials', new Secret('x'))
    host.handOver(results({ A: '1' }))
    git(cwd, 'add', '-A')
    expect(git(cwd, 'status', '--porcelain', '--untracked-files=all')).toBe('')
    expect(world.err()).toBe('')
  })

  test('of somebody else is refused, and nothing is written to it', () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'README.md'), '')
    chmodSync(cwd, 0o755)
    const { host } = hostIn(cwd, '.')
    expect(() => host.writeSecretFile('git-credentials', new Secret('x'))).toThrow('README.md')
    expect(() => host.handOver(results({ A: '1' }))).toThrow('README.md')
    expect([readdirSync(cwd), modeOf(cwd)]).toEqual([['README.md'], 0o755])
  })

  test('holds no output, only what a shell takes', () => {
    const cwd = temporaryDirectory()
    const { host } = hostIn(cwd)
    expect(host.handOver(results({}))).toBeUndefined()
    expect(readdirSync(cwd)).toEqual([])
    host.handOver(results({ A: '1' }))
    expect(readFileSync(join(cwd, '.bitbucket-token/env.sh'), 'utf8')).not.toContain('not here')
  })
})

describe('a run that fails', () => {
  test('takes back what it wrote, and the directory', () => {
    const cwd = temporaryDirectory()
    const { host } = hostIn(cwd)
    host.writeSecretFile('git-credentials', new Secret('x'))
    host.discard()
    expect(readdirSync(cwd)).toEqual([])
  })

  test('never takes back the new refresh token, for the old one dies', () => {
    const cwd = temporaryDirectory()
    const { host } = hostIn(cwd)
    const place = host.keep('refresh-token', new Secret('new'))
    host.writeSecretFile('git-credentials', new Secret('x'))
    host.discard()
    expect(readdirSync(join(cwd, '.bitbucket-token'))).toEqual(['.gitignore', 'refresh-token'])
    expect(place).toBe(`the file ${join(cwd, '.bitbucket-token/refresh-token')}`)
    expect(readFileSync(place.replace('the file ', ''), 'utf8')).toBe('new')
  })

  test('leaves what earlier runs wrote, where it wrote nothing', () => {
    const cwd = temporaryDirectory()
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

  test('leaves an empty directory that it did not make', () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, '.bitbucket-token'))
    hostIn(cwd).host.discard()
    expect(readdirSync(cwd)).toEqual(['.bitbucket-token'])
  })
})

test('cleaning up removes what runs have written, but for what is to be kept', () => {
  const cwd = temporaryDirectory()
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

describe('text for people', () => {
  test('goes to stderr, and no mask is printed where nobody reads it', () => {
    const { host, world } = hostIn(temporaryDirectory())
    host.log.info('a')
    host.log.warning('b')
    host.log.error('c')
    host.log.debug('d')
    host.mask(new Secret('hunter'))
    host.summarize({ heading: 'H', rows: [] })
    expect({ out: world.out(), err: world.err() }).toEqual({ out: '', err: 'a\nwarning: b\nerror: c\n' })
  })

  test("Pipelines' own DEBUG counts", () => {
    for (const [env, said] of [
      [{ DEBUG: 'true' }, 'debug: x\n'],
      [{ DEBUG: 'False' }, ''],
    ] as const) {
      const world = fakeWorld({ env, cwd: temporaryDirectory() })
      pipelines(world, undefined, false).log.debug('x')
      expect(world.err()).toBe(said)
    }
  })
})

describe('where the directory is', () => {
  test('in Pipelines: in the clone, which the next step shares', () => {
    const clone = temporaryDirectory()
    const world = fakeWorld({ env: { BITBUCKET_CLONE_DIR: clone }, cwd: '/' })
    const file = pipelines(world, undefined, false).writeSecretFile('git-credentials', new Secret('x'))
    expect(file).toBe(join(clone, '.bitbucket-token/git-credentials'))
  })

  test('in Pipelines where the clone is not mounted: here', () => {
    const cwd = temporaryDirectory()
    const world = fakeWorld({ env: { BITBUCKET_CLONE_DIR: join(cwd, 'gone') }, cwd })
    const file = pipelines(world, undefined, false).writeSecretFile('git-credentials', new Secret('x'))
    expect(file).toBe(join(cwd, '.bitbucket-token/git-credentials'))
  })

  test('in a shell: here', () => {
    const cwd = temporaryDirectory()
    const file = shell(fakeWorld({ cwd }), undefined, false).writeSecretFile(
      'git-credentials',
      new Secret('x'),
    )
    expect(file).toBe(join(cwd, '.bitbucket-token/git-credentials'))
  })

  test.each([pipelines, shell])('where output-dir says, seen from here: $name', (host) => {
    const cwd = temporaryDirectory()
    const file = host(fakeWorld({ cwd }), 'out/secret', false).writeSecretFile('a', new Secret('x'))
    expect(file).toBe(join(cwd, 'out/secret/a'))
  })
})

test('a word for the shell is one word', { tags: ['sh'] }, () => {
  expect(shellQuote("it's")).toBe("'it'\\''s'")
  expect(shellQuote('')).toBe("''")
  expect(execFileSync('sh', ['-c', `printf '<%s>' ${shellQuote('a b  $c')}`]).toString()).toBe('<a b  $c>')
})
