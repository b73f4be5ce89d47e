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

  test('end at the first missing entry, as in git', () => {
    const broken = {
      ...before,
      GIT_CONFIG_COUNT: '3',
      GIT_CONFIG_KEY_2: 'bitbucket.x',
      GIT_CONFIG_VALUE_2: 'x',
    }
    expect(addedToEnvironment(entries, broken).get('GIT_CONFIG_COUNT')).toBe('3')
    expect(read(inEnvironment(broken))).toBe(`there before\n${values}`)
  })

  test('are left out if they cannot be passed on, without a gap in the numbers', () => {
    const env = inEnvironment(inEnvironment({}, [['bitbucket.lines', 'one\ntwo']]), [
      ['bitbucket.zero', 'there before'],
    ])
    const added = addedToEnvironment(entries, env, (entry) => entry.every((text) => !text.includes('\n')))
    expect(read(Object.fromEntries(added))).toBe(`there before\n${values}`)
  })
})

// git fails for such a count with "bogus count", so there are no entries to keep.
test.each(['', 'many', '-1', '+1', ' 1', '1 ', '1e3', '1234567'])('the count "%s" is ignored', (count) => {
  expect(addedToEnvironment(entries, { GIT_CONFIG_COUNT: count }).get('GIT_CONFIG_COUNT')).toBe('2')
})

test('adds no variables without entries', () => {
  expect(addedToEnvironment([], before)).toEqual(new Map())
  expect(addedByShell([], shellQuote)).toBe('')
})

test('finds the secrets of other programs, and nothing else', () => {
  const entries: GitConfigEntry[] = [
    ['http.https://github.com/.extraheader', 'AUTHORIZATION: basic aHVudGVy'],
    ['url.https://ada:hunter22@example.com/.insteadOf', 'https://example.com/'],
    ['http.proxy', 'http://ada:hunter33@proxy:3128'],
    ['sendemail.smtpPass', 'hunter44'],
    ['safe.directory', '*'],
    ['user.email', 'ada@example.com'],
    ['core.bare', 'false'],
    ['url.https://example.com/.insteadOf', 'ssh://git@example.com:22/'],
  ]
  const found = gitConfigSecrets(Object.fromEntries(addedToWholeEnvironment(entries, {})))
  expect(found.map((secret) => secret.reveal())).toEqual([
    'AUTHORIZATION: basic aHVudGVy',
    'aHVudGVy',
    'hunter22',
    'hunter33',
    'hunter44',
  ])
})
