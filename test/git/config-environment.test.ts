/**
 * @module-tag sh
 * @module-tag git
 */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import {
  addedByShell,
  addedToEnvironment,
  addedToWholeEnvironment,
  type GitConfigEntry,
  gitConfigSecrets,
  withoutEntries,
} from '../../src/git/config-environment.ts'
import { shellQuote } from '../../src/hosts/shell-quote.ts'
import { gitEnvironment } from '../support/git.ts'

const entries: readonly GitConfigEntry[] = [
  ['bitbucket.one', 'first'],
  ['bitbucket.two', "second's $value"],
]
const values = "first\nsecond's $value\n"

const before = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'bitbucket.zero',
  GIT_CONFIG_VALUE_0: 'there before',
}

type Environment = Readonly<Record<string, string>>

const commands = [['sh'], ['dash'], ['bash'], ['busybox', 'sh'], ['ksh'], ['zsh']] as const

/** Returns the entries that git reads after a shell script, in order. */
function read(env: Environment, script = '', [shell = '', ...options]: readonly string[] = ['sh']): string {
  const { stdout, stderr } = spawnSync(
    shell,
    [...options, '-eu', '-c', `${script}\ngit config --get-regexp '^bitbucket'`],
    // Otherwise bash may mistake a test's socket for a remote shell and read this user's .bashrc.
    { env: { ...gitEnvironment(), SHLVL: '1', ...env }, encoding: 'utf8' },
  )
  expect(stderr).toBe('')
  return stdout.replaceAll(/^\S+ /gm, '')
}

const byShell = (given: readonly GitConfigEntry[] = entries) => addedByShell(given, shellQuote)
const inEnvironment = (env: Environment, given = entries): Environment => ({
  ...env,
  ...Object.fromEntries(addedToEnvironment(given, env)),
})

describe('git reads our entries after the existing ones', () => {
  test('from the environment', () => {
    expect(read(inEnvironment({}))).toBe(values)
    expect(read(inEnvironment(before))).toBe(`there before\n${values}`)
  })

  for (const command of commands) {
    test(`from ${command.join(' ')}`, { tags: [command[0]] }, () => {
      expect(read({}, byShell(), command)).toBe(values)
      expect(read(before, byShell(), command)).toBe(`there before\n${values}`)
    })
  }
})

describe('existing entries of ours are not added again', () => {
  const another: GitConfigEntry = ['bitbucket.another', 'of another program']
  const both = `${values}of another program\n`

  test('in the environment, even if another program has added entries since', () => {
    const once = inEnvironment(before)
    expect(inEnvironment(once)).toEqual(once)
    expect(read(once, byShell())).toBe(`there before\n${values}`)
    const since = inEnvironment(inEnvironment({}), [another])
    expect(inEnvironment(since)).toEqual(since)
    expect(read(since)).toBe(both)
  })

  for (const command of commands) {
    const [program] = command
    test(`in ${command.join(' ')}, sourced twice, in a nested shell, and after another program`, {
      tags: [program],
    }, () => {
      const script = `${byShell()}${byShell([another])}${byShell()}(${byShell()}
        [ "$GIT_CONFIG_COUNT" = 3 ])
        ${command.join(' ')} -euc ${shellQuote(`${byShell()}[ "$GIT_CONFIG_COUNT" = 3 ]`)}`
      expect(read({}, script, command)).toBe(both)
    })
  }

  test('unless another program has reset the count', () => {
    const script = `${byShell()}export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=bitbucket.zero GIT_CONFIG_VALUE_0='there before'
      ${byShell()}`
    expect(read({}, script)).toBe(`there before\n${values}`)
  })
})

describe('in a shell', () => {
  test('entries that were set but not exported are exported too', () => {
    const script = `GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=bitbucket.zero GIT_CONFIG_VALUE_0='there before'\n${byShell()}`
    expect(read({}, script)).toBe(`there before\n${values}`)
  })

  test.each(['many', '-1', '1e3', '1234567', '00', '3'])(
    'the count "%s" without entries is ignored',
    (count) => {
      expect(read({ GIT_CONFIG_COUNT: count }, byShell())).toBe(values)
    },
  )

  test('no helper variable or function remains', () => {
    const script = `${byShell()}set | grep -i 'bitbucket_token' || :`
    const { stdout } = spawnSync('sh', ['-c', script], { env: gitEnvironment(), encoding: 'utf8' })
    expect(stdout).toBe('')
  })
})

describe('a helper for a more specific URL still works after our empty entry', () => {
  const whole: GitConfigEntry[] = [
    ['credential.https://a.test.helper', ''],
    ['credential.https://a.test.helper', '!whole'],
  ]
  const part: GitConfigEntry[] = [
    ['credential.https://a.test/acme.helper', ''],
    ['credential.https://a.test/acme.helper', '!part'],
  ]
  /** Returns the helpers that git asks, in order: those after the last empty entry. */
  const helpers = (env: Environment, script: string): string[] => {
    const { stdout } = spawnSync('sh', ['-euc', `${script}\ngit config --get-regexp '^credential'`], {
      env: { ...gitEnvironment(), ...env },
      encoding: 'utf8',
    })
    const all = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
    return all.slice(all.lastIndexOf('') + 1)
  }

  test('in the environment and in a shell', () => {
    expect(helpers(inEnvironment(inEnvironment({}, part), whole), '')).toEqual(['!part'])
    expect(helpers(inEnvironment(inEnvironment({}, whole), part), '')).toEqual(['!part'])
    expect(helpers({}, byShell(part) + byShell(whole))).toEqual(['!part'])
    expect(helpers({}, byShell(part) + byShell(whole) + byShell(part) + byShell(whole))).toEqual(['!part'])
    expect(helpers({}, byShell(whole) + byShell(part))).toEqual(['!part'])
  })

  test('for each of several hosts, in a shell', () => {
    const onHost = (host: string, given: readonly GitConfigEntry[]) =>
      given.map(([key, value]): GitConfigEntry => [key.replace('a.test', host), value])
    const both = (given: readonly GitConfigEntry[]) => ['a.test', 'b.test'].flatMap((h) => onHost(h, given))
    const script = byShell(both(part)) + byShell(both(whole))
    const { stdout } = spawnSync('sh', ['-euc', `${script}\ngit config --get-regexp '^credential' '^!'`], {
      env: gitEnvironment(),
      encoding: 'utf8',
    })
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual(
      both(part.slice(1)).map((entry) => entry.join(' ')),
    )
  })

  test('and nothing else is repeated', () => {
    const lfs = (path: string): GitConfigEntry => [`lfs.https://a.test${path}.access`, 'basic']
    const added = addedToEnvironment([...whole, lfs('')], inEnvironment({}, [...part, lfs('/acme')]))
    expect(added.get('GIT_CONFIG_COUNT')).toBe(String(3 + 3 + part.length))
    expect(addedToEnvironment(whole.slice(1), inEnvironment({}, part)).get('GIT_CONFIG_COUNT')).toBe('3')
  })
})

describe('the existing entries of a step', () => {
  test('are exported with ours, because the next step may not have them', () => {
    expect(Object.fromEntries(addedToEnvironment(entries, before))).toMatchObject({
      ...before,
      GIT_CONFIG_COUNT: '3',
    })
  })

  test.each(['0', '9', '10', '123456'])('are counted if only the count %s was passed on', (count) => {
    const added = addedToEnvironment(entries, { GIT_CONFIG_COUNT: count })
    expect([...added.keys()]).toEqual([
      `GIT_CONFIG_KEY_${count}`,
      `GIT_CONFIG_VALUE_${count}`,
      `GIT_CONFIG_KEY_${Number(count) + 1}`,
      `GIT_CONFIG_VALUE_${Number(count) + 1}`,
      'GIT_CONFIG_COUNT',
    ])
    expect(added.get('GIT_CONFIG_COUNT')).toBe(String(Number(count) + 2))
    expect(addedToWholeEnvironment(entries, { GIT_CONFIG_COUNT: count }).get('GIT_CONFIG_COUNT')).toBe('2')
  })

  test.each([
    ['missing entry', {}],
    ['missing key', { GIT_CONFIG_VALUE_1: 'x' }],
    ['missing value', { GIT_CONFIG_KEY_1: 'bitbucket.x' }],
  ])('end at the first %s, as in git', (_, more) => {
    const broken = {
      ...before,
      ...more,
      GIT_CONFIG_COUNT: '3',
      GIT_CONFIG_KEY_2: 'bitbucket.x',
      GIT_CONFIG_VALUE_2: 'x',
    }
    expect(addedToEnvironment(entries, broken).get('GIT_CONFIG_COUNT')).toBe('3')
    expect(read(inEnvironment(broken))).toBe(`there before\n${values}`)
  })

  test('end at the count, even if there are more variables', () => {
    const left = { ...before, GIT_CONFIG_KEY_1: 'bitbucket.x', GIT_CONFIG_VALUE_1: 'x' }
    expect(read(inEnvironment(left))).toBe(`there before\n${values}`)
  })

  test.each(['bitbucket.one', 'bitbucket.two'])(
    'do not replace ours if only the key %s is the same',
    (key) => {
      const theirs = entries.map(([ours, value]): GitConfigEntry => [ours, ours === key ? 'theirs' : value])
      expect(addedToEnvironment(entries, inEnvironment({}, theirs)).get('GIT_CONFIG_COUNT')).toBe('4')
    },
  )

  test('do not replace ours if only the values are the same', () => {
    const theirs = entries.map(([, value], index): GitConfigEntry => [`bitbucket.theirs${index}`, value])
    expect(addedToEnvironment(entries, inEnvironment({}, theirs)).get('GIT_CONFIG_COUNT')).toBe('4')
  })

  test('are left out if they cannot be passed on, without a gap in the numbers', () => {
    const env = inEnvironment(inEnvironment({}, [['bitbucket.lines', 'one\ntwo']]), [
      ['bitbucket.zero', 'there before'],
    ])
    const isOneLine = (entry: GitConfigEntry) => entry.every((text) => !text.includes('\n'))
    const added = addedToEnvironment(entries, env, isOneLine)
    expect(read(Object.fromEntries(added))).toBe(`there before\n${values}`)
    const lines: GitConfigEntry = ['bitbucket.ours', 'one\ntwo']
    expect(addedToEnvironment([lines, ...entries], env, isOneLine)).toEqual(added)
    expect(addedToEnvironment([lines, ...entries], {}, isOneLine)).toEqual(addedToEnvironment(entries, {}))
  })

  test('get new numbers if some are left out', () => {
    const env = inEnvironment(before)
    const isOne = ([key]: GitConfigEntry) => key === 'bitbucket.one'
    expect(read({ ...env, ...Object.fromEntries(withoutEntries(env, isOne)) })).toBe(
      "there before\nsecond's $value\n",
    )
    expect(withoutEntries(env, ([key]) => key === 'bitbucket.three')).toEqual(new Map())
  })
})

// git fails for such a count with "bogus count", so there are no entries to keep.
test.each(['', 'many', '-1', '+1', ' 1', '1 ', '1e3', '1234567'])('the count "%s" is ignored', (count) => {
  expect(addedToEnvironment(entries, { GIT_CONFIG_COUNT: count }).get('GIT_CONFIG_COUNT')).toBe('2')
})

test('adds no variables without entries', () => {
  expect(addedToEnvironment([], before)).toEqual(new Map())
  expect(addedToWholeEnvironment([], before)).toEqual(new Map())
  expect(addedByShell([], shellQuote)).toBe('')
})

test('finds the secrets of other programs, and nothing else', () => {
  const entries: GitConfigEntry[] = [
    ['http.https://github.com/.extraheader', 'AUTHORIZATION: basic aHVudGVy'],
    ['url.https://ada:hunter22@example.com/.insteadOf', 'https://example.com/'],
    ['http.proxy', 'http://ada:hunter33@proxy:3128'],
    ['sendemail.smtpPass', 'hunter44'],
    ['github.token', '6chars'],
    ['sendemail.smtpPassword', 'short'],
    ['safe.directory', '*'],
    ['user.email', 'ada@example.com'],
    ['core.bare', 'false'],
    ['url.https://example.com/.insteadOf', 'ssh://git@example.com:22/'],
    ['url.https://token.example/.insteadOf', 'ssh://git@example.com/'],
    ['http.https://x.extraheader.example/.proxy', 'http://proxy:3128'],
  ]
  const found = gitConfigSecrets(Object.fromEntries(addedToWholeEnvironment(entries, {})))
  expect(found.map((secret) => secret.reveal())).toEqual([
    'AUTHORIZATION: basic aHVudGVy',
    'aHVudGVy',
    'hunter22',
    'hunter33',
    'hunter44',
    '6chars',
  ])
})
