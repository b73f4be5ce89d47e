/** @module-tag git */
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest'
import type { GitConfigEntry } from '../../src/git/config-environment.ts'
import {
  joinSharedConfig,
  leaveSharedConfig,
  removeRefusalCounts,
  removeSharedConfig,
  sharedConfigFile,
} from '../../src/git/shared-config.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { configurationIn } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const test = plainTest.extend('temporary', () => temporaryDirectory())

const world = fakeWorld({ uniqueName: () => crypto.randomUUID() })

/** Returns what git reads from the file, included as in a later step. */
const read = (temporary: string, start = '') =>
  configurationIn({
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'include.path',
    GIT_CONFIG_VALUE_0: sharedConfigFile(temporary),
  }).filter(([key]) => key.startsWith(start))

const helper = (scope: string, name: string): GitConfigEntry[] => [
  [`credential.${scope}.helper`, ''],
  [`credential.${scope}.helper`, name],
]

test('git reads every entry unchanged', ({ temporary }) => {
  const entries: GitConfigEntry[] = [
    ['credential.https://a.test/"quoted" \\ path.helper', `!f() { printf "%s\\n" "\${X-}" 'y' # ; }; f`],
    ['a.b', ' blanks around, a ; and a # '],
    ['a.c', 'one\ntwo\tthree'],
    ['a.empty', ''],
  ]
  expect(joinSharedConfig(temporary, 'one', entries, world)).toBe(sharedConfigFile(temporary))
  expect(read(temporary).toSorted()).toEqual(entries.toSorted())
})

test('a later run overrides a key until its clean-up', ({ temporary }) => {
  joinSharedConfig(
    temporary,
    'one',
    [...helper('https://a.test', 'one'), ['lfs.https://a.test.access', 'basic']],
    world,
  )
  joinSharedConfig(temporary, 'two', helper('https://a.test', 'two'), world)
  expect(read(temporary, 'credential').map(([, value]) => value)).toEqual(['', 'two'])
  expect(read(temporary, 'lfs')).toHaveLength(1)
  leaveSharedConfig(temporary, 'two', world)
  expect(read(temporary, 'credential').map(([, value]) => value)).toEqual(['', 'one'])
})

test('the most specific URL comes last, whichever run was first', ({ temporary }) => {
  joinSharedConfig(temporary, 'one', helper('https://a.test/acme/website', 'repository'), world)
  joinSharedConfig(temporary, 'two', helper('https://a.test', 'all'), world)
  joinSharedConfig(temporary, 'three', helper('https://a.test/acme', 'workspace'), world)
  expect(read(temporary).flatMap(([, value]) => value || [])).toEqual(['all', 'workspace', 'repository'])
})

test('the clean-up of the last run removes the file, the directory and the counts', ({ temporary }) => {
  joinSharedConfig(temporary, 'one', helper('https://a.test', 'one'), world)
  joinSharedConfig(temporary, 'two', helper('https://b.test', 'two'), world)
  mkdirSync(join(temporary, 'bitbucket-token-refused-one-0'))
  expect(leaveSharedConfig(temporary, 'one', world)).toBe(true)
  expect(read(temporary).map(([, value]) => value)).toEqual(['', 'two'])
  expect(leaveSharedConfig(temporary, 'one', world)).toBe(false)
  expect(leaveSharedConfig(temporary, 'two', world)).toBe(true)
  expect(readdirSync(temporary)).toEqual([])
  expect(leaveSharedConfig(temporary, 'two', world)).toBe(false)
  expect(removeSharedConfig(temporary, world)).toBeUndefined()
  expect(readdirSync(temporary)).toEqual([])
})

test('removes the file even if several runs use it, and says which', ({ temporary }) => {
  joinSharedConfig(temporary, 'one', helper('https://a.test', 'one'), world)
  joinSharedConfig(temporary, 'two', helper('https://b.test', 'two'), world)
  expect(removeSharedConfig(temporary, world)).toBe(sharedConfigFile(temporary))
  expect(readdirSync(temporary)).toEqual([])
})

test('leaving removes what a killed run has left, and needs no temporary directory', ({ temporary }) => {
  const { pid } = spawnSync('true')
  writeFileSync(join(temporary, 'bitbucket-token-git.lock'), lockOf(pid))
  expect(leaveSharedConfig(temporary, 'one', world)).toBe(false)
  expect(readdirSync(temporary)).toEqual([])
  expect(leaveSharedConfig(join(temporary, 'removed'), 'one', world)).toBe(false)
})

test('a run that joins several times is listed once, and leaves no file open', ({ temporary }) => {
  for (let time = 0; time < 3; time++)
    joinSharedConfig(temporary, 'one', helper('https://a.test', 'one'), world)
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  joinSharedConfig(temporary, 'one', helper('https://a.test', 'one'), world)
  expect(open()).toBe(before)
  expect(read(temporary)).toHaveLength(2)
  expect(readFileSync(sharedConfigFile(temporary), 'utf8').match(/^# use /gm)).toHaveLength(1)
})

test('everybody can read it, but only its owner can write it, under any umask', ({ temporary }) => {
  for (const umask of [0o000, 0o077, 0o777]) {
    const before = process.umask(umask)
    joinSharedConfig(temporary, `under ${umask}`, helper('https://a.test', 'one'), world)
    process.umask(before)
    expect(statSync(sharedConfigFile(temporary)).mode & 0o777).toBe(0o644)
    expect(statSync(join(temporary, 'bitbucket-token-git')).mode & 0o777).toBe(0o755)
  }
  expect(readFileSync(sharedConfigFile(temporary), 'utf8')).toMatch(/^# Written by bitbucket-token/)
})

test.each([
  'null',
  '{"id":"x"}',
  '{"id":1,"entries":[]}',
  '{"id":"x","entries":{"every":1}}',
  '{"id":"x","entries":[["a.b","c"],{"length":2}]}',
  '{"id":"x","entries":[["a.b"]]}',
  '{"id":"x","entries":[["a.b","c","d"]]}',
  '{"id":"x","entries":[["a.b",1]]}',
])('drops the entries of a run that another version may have written: %s', (use) => {
  const temporary = temporaryDirectory()
  joinSharedConfig(temporary, 'one', [['a.b', 'ours']], world)
  writeFileSync(sharedConfigFile(temporary), `# use ${use}\n`, { flag: 'a' })
  joinSharedConfig(temporary, 'two', [['a.c', 'ours too']], world)
  expect(read(temporary)).toEqual([
    ['a.b', 'ours'],
    ['a.c', 'ours too'],
  ])
  expect(readFileSync(sharedConfigFile(temporary), 'utf8').match(/^# use /gm)).toHaveLength(2)
})

test('a file that cannot be replaced leaves no other file, and the error says what to check', ({
  temporary,
}) => {
  joinSharedConfig(temporary, 'one', [['a.b', 'c']], world)
  const file = sharedConfigFile(temporary)
  // After it was read, and before it is replaced.
  const uniqueName = () => {
    if (existsSync(join(temporary, 'bitbucket-token-git.lock'))) {
      rmSync(file)
      mkdirSync(file)
    }
    return crypto.randomUUID()
  }
  expect(() => joinSharedConfig(temporary, 'two', [['a.b', 'c']], { ...world, uniqueName })).toThrow(
    expect.objectContaining({
      code: 'file',
      message: expect.stringMatching(/^Could not change .*: EISDIR/),
      nextStep: expect.stringContaining('configure-git'),
    }),
  )
  expect(readdirSync(join(temporary, 'bitbucket-token-git'))).toEqual(['config'])
  expect(readdirSync(temporary)).toEqual(['bitbucket-token-git'])
})

describe('if the directory already exists', () => {
  const joining = (temporary: string) => () =>
    joinSharedConfig(temporary, 'one', helper('https://a.test', 'x'), world)

  test('refuses a file', () => {
    const [temporary, elsewhere] = [temporaryDirectory(), temporaryDirectory()]
    symlinkSync(elsewhere, join(temporary, 'bitbucket-token-git'))
    expect(joining(temporary)).toThrow(
      /Could not change the git configuration in .*bitbucket-token-git: it is not a directory/,
    )
    expect(readdirSync(elsewhere)).toEqual([])
    expect(readdirSync(temporary)).toEqual(['bitbucket-token-git'])
  })

  test('refuses a link to a file, and does not change the file', ({ temporary }) => {
    const target = join(temporary, 'target')
    writeFileSync(target, 'theirs')
    mkdirSync(join(temporary, 'bitbucket-token-git'))
    symlinkSync(target, sharedConfigFile(temporary))
    expect(joining(temporary)).toThrow(/it is a link/)
    expect(readFileSync(target, 'utf8')).toBe('theirs')
  })

  test.each([0o777, 0o700])('corrects its mode %o', (mode) => {
    const temporary = temporaryDirectory()
    mkdirSync(join(temporary, 'bitbucket-token-git'))
    chmodSync(join(temporary, 'bitbucket-token-git'), mode)
    joining(temporary)()
    expect(statSync(join(temporary, 'bitbucket-token-git')).mode & 0o777).toBe(0o755)
  })

  test('a user other than root may use only an own directory', { tags: ['root'] }, ({ temporary }) => {
    const getuid = vi.spyOn(process, 'getuid').mockReturnValue(12_345)
    onTestFinished(() => getuid.mockRestore())
    mkdirSync(join(temporary, 'bitbucket-token-git'))
    expect(joining(temporary)).toThrow(/it belongs to another user/)
    spawnSync('chown', ['12345', join(temporary, 'bitbucket-token-git')])
    expect(joining(temporary)()).toBe(sharedConfigFile(temporary))
  })

  test("refuses another user's directory", { tags: ['root'] }, ({ temporary }) => {
    mkdirSync(join(temporary, 'bitbucket-token-git'))
    spawnSync('chown', ['12345', join(temporary, 'bitbucket-token-git')])
    expect(joining(temporary)).toThrow(/it belongs to another user/)
    // Root may use it if the whole job belongs to that user.
    spawnSync('chown', ['12345', temporary])
    expect(joining(temporary)()).toBe(sharedConfigFile(temporary))
  })

  test('gives up if a live process keeps the lock, and says so', ({ temporary }) => {
    let elapsed = 0
    const hurrying = { ...world, elapsed: () => (elapsed += 1_000), random: () => 0 }
    writeFileSync(join(temporary, 'bitbucket-token-git.lock'), lockOf(process.pid))
    expect(() => joinSharedConfig(temporary, 'one', [], hurrying)).toThrow(
      expect.objectContaining({
        message: `${temporary}/bitbucket-token-git.lock was held by another process for 12 s.`,
      }),
    )
  })

  test('takes over the lock of a dead process', ({ temporary }) => {
    const { pid } = spawnSync('true')
    const ticking = { ...world, elapsed: () => Date.now(), random: () => 0 }
    writeFileSync(join(temporary, 'bitbucket-token-git.lock'), lockOf(pid))
    expect(joinSharedConfig(temporary, 'one', helper('https://a.test', 'x'), ticking)).toBe(
      sharedConfigFile(temporary),
    )
  })
})

/** Returns a lock as processes of this machine write it. */
function lockOf(pid: number): string {
  const temporary = temporaryDirectory()
  let text = ''
  joinSharedConfig(temporary, 'one', [['a.b', 'c']], {
    ...world,
    uniqueName: () => {
      const lock = join(temporary, 'bitbucket-token-git.lock')
      if (existsSync(lock)) text = readFileSync(lock, 'utf8')
      return crypto.randomUUID()
    },
  })
  return JSON.stringify({ ...JSON.parse(text), pid })
}

test('loses no entries if many runs join and leave at once', async ({ temporary }) => {
  const program = `
    import { joinSharedConfig, leaveSharedConfig } from ${JSON.stringify(new URL('../../src/git/shared-config.ts', import.meta.url).href)}
    const world = { elapsed: () => performance.now(), random: Math.random, uniqueName: () => crypto.randomUUID(), platform: process.platform }
    const [, temporary, name] = process.argv
    joinSharedConfig(temporary, name, [['run.' + name, 'x']], world)
    joinSharedConfig(temporary, name + '-leaves', [['gone.' + name, 'x']], world)
    leaveSharedConfig(temporary, name + '-leaves', world)`
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const ends = names.map(
    (name) =>
      new Promise((resolve) => {
        spawn(process.execPath, ['--input-type=module', '-e', program, temporary, name], {
          stdio: 'ignore',
        }).once('close', resolve)
      }),
  )
  expect(await Promise.all(ends)).toEqual(names.map(() => 0))
  expect(
    read(temporary)
      .map(([key]) => key)
      .toSorted(),
  ).toEqual(names.map((name) => `run.${name}`))
  expect(readdirSync(temporary)).toEqual(['bitbucket-token-git'])
})

test('removes only directories of counts', ({ temporary }) => {
  mkdirSync(join(temporary, 'bitbucket-token-refused-mine-0/1'), { recursive: true })
  mkdirSync(join(temporary, 'bitbucket-token-refusals'))
  writeFileSync(join(temporary, 'bitbucket-token-refused-file'), '')
  expect(removeRefusalCounts(temporary)).toEqual([join(temporary, 'bitbucket-token-refused-mine-0')])
  expect(readdirSync(temporary)).toEqual(['bitbucket-token-refusals', 'bitbucket-token-refused-file'])
  expect(removeRefusalCounts('/nonexistent')).toEqual([])
})

test('keeps the counts of other users', { tags: ['root'] }, ({ temporary }) => {
  mkdirSync(join(temporary, 'bitbucket-token-refused-theirs-12345'))
  spawnSync('chown', ['12345', join(temporary, 'bitbucket-token-refused-theirs-12345')])
  expect(removeRefusalCounts(temporary)).toEqual([])
  expect(readdirSync(temporary)).toEqual(['bitbucket-token-refused-theirs-12345'])
})

test('removes nothing if the temporary directory is a file, and says so if it cannot be reached', () => {
  const temporary = temporaryDirectory()
  writeFileSync(join(temporary, 'file'), '')
  expect(removeSharedConfig(join(temporary, 'file'), world)).toBeUndefined()
  symlinkSync('loop', join(temporary, 'loop'))
  expect(() => removeSharedConfig(join(temporary, 'loop'), world)).toThrow(
    expect.objectContaining({ code: 'file', message: expect.stringMatching(/^Could not change .*ELOOP/) }),
  )
})
