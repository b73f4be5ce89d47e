/** @module-tag sh */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { addedByShell, addedToEnvironment, type GitConfigEntry } from '../../src/git/config-environment.ts'
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

/** What git reads of ours, in order, at the end of a shell script. */
function read(env: Readonly<Record<string, string>>, script = ''): string {
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-eu', '-c', `${script}\ngit config --get-regexp '^bitbucket'`],
    {
      env: { ...gitEnvironment(), ...env },
      encoding: 'utf8',
    },
  )
  expect(stderr).toBe('')
  return stdout.replaceAll(/^\S+ /gm, '')
}

describe('git reads the entries after those that were there', () => {
  test('from the environment', () => {
    expect(read(Object.fromEntries(addedToEnvironment(entries, {})))).toBe(values)
    expect(read({ ...before, ...Object.fromEntries(addedToEnvironment(entries, before)) })).toBe(
      `there before\n${values}`,
    )
  })

  test('from a shell', () => {
    expect(read({}, addedByShell(entries, shellQuote))).toBe(values)
    expect(read(before, addedByShell(entries, shellQuote))).toBe(`there before\n${values}`)
  })
})

test.each(['0', '9', '10', '123456'])('a count of %s goes on from there', (count) => {
  const added = addedToEnvironment(entries, { GIT_CONFIG_COUNT: count })
  expect([...added.keys()].slice(0, 4)).toEqual([
    `GIT_CONFIG_KEY_${count}`,
    `GIT_CONFIG_VALUE_${count}`,
    `GIT_CONFIG_KEY_${Number(count) + 1}`,
    `GIT_CONFIG_VALUE_${Number(count) + 1}`,
  ])
  expect(added.get('GIT_CONFIG_COUNT')).toBe(String(Number(count) + 2))
})

// With such a count git ends with "bogus count", so there is nothing to keep.
test.each(['', 'many', '-1', '+1', ' 1', '1 ', '1e3', '1234567'])('a count of "%s" is none', (count) => {
  expect(addedToEnvironment(entries, { GIT_CONFIG_COUNT: count }).get('GIT_CONFIG_COUNT')).toBe('2')
})

test('without entries nothing is added', () => {
  expect(addedToEnvironment([], before)).toEqual(new Map())
  expect(addedByShell([], shellQuote)).toBe('')
})
