/** @module-tag sh */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { helperScript, loginOf, variablesOfScope } from '../../src/git/helper.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const names = variablesOfScope('https://bitbucket.org')
const token = 'hunter-%s\\n-$HOME`date`-hunter'
const farFuture = Date.parse('2036-11-21T10:00:00.999Z')
const refused =
  'bitbucket-token: Bitbucket refused this token 3 times, so git does not get it again. ' +
  'Run bitbucket-token check to find out why, then run bitbucket-token again.\n'

const shells = [['sh'], ['dash'], ['bash'], ['busybox', 'sh'], ['ksh'], ['mksh'], ['yash']].filter(
  ([name = '']) =>
    (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, name))),
)

interface Given {
  readonly expiresAt?: number
  readonly run?: string
  readonly env?: Record<string, string>
}

/** Returns the environment of a step as the helper sees it. */
function environment({ expiresAt, run = 'run-1', env = {} }: Given = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    // Otherwise bash may mistake a test's socket for a remote shell and read this user's .bashrc.
    SHLVL: '1',
    RUNNER_TEMP: temporaryDirectory(),
    [names.password]: token,
    [names.login]: loginOf({ gitUsername: 'x-token-auth', expiresAt, run }),
    ...env,
  }
}

/** Runs the helper as git runs one that begins with an exclamation mark (git: credential.c). */
function ask(operation: string, env: Record<string, string>, shell: readonly string[] = ['sh'], input = '') {
  const [file = '', ...options] = shell
  const { stdout, stderr, status } = spawnSync(
    file,
    [...options, '-c', `${helperScript(names).slice(1)} ${operation}`],
    {
      env,
      input,
      encoding: 'utf8',
    },
  )
  return { stdout, stderr, status }
}

const refusal = (password = token) =>
  `protocol=https\nhost=bitbucket.org\nusername=x\npassword=${password}\n\n`
const silence = { stdout: '', stderr: '', status: 0 }
const answer = { stdout: `username=x-token-auth\npassword=${token}\n`, stderr: '', status: 0 }

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('in %s', (_, shell) => {
  test('the helper returns the exact credential', () => {
    expect(ask('get', environment(), shell)).toEqual(answer)
  })

  test('tells git 2.41 and later when the token expires, in whole seconds', () => {
    expect(ask('get', environment({ expiresAt: farFuture }), shell).stdout).toBe(
      `${answer.stdout}password_expiry_utc=2110874400\n`,
    )
  })

  test('says that the token has expired, and makes git stop', () => {
    const env = environment({ expiresAt: Date.parse('2026-01-02T03:04:05.678Z') })
    expect(ask('get', env, shell)).toEqual({
      stdout: 'quit=1\n',
      stderr: 'bitbucket-token: the token expired at 2026-01-02T03:04:05Z; run bitbucket-token again\n',
      status: 0,
    })
  })

  test('returns a token until it was refused three times, then says so and makes git stop', () => {
    const env = environment()
    for (let time = 1; time <= 3; time++) {
      expect(ask('get', env, shell)).toEqual(answer)
      expect(ask('erase', env, shell, refusal())).toEqual(silence)
    }
    expect(ask('get', env, shell)).toEqual({ stdout: 'quit=1\n', stderr: refused, status: 0 })
  })

  test.each([
    ['xtrace', 'verbose'],
    ['errexit', 'nounset', 'noclobber', 'noglob', 'pipefail', 'posix'],
  ])('options that bash inherits neither print the token nor break the helper: %s', (...options) => {
    const env = environment({ env: { SHELLOPTS: options.join(':'), BASH_XTRACEFD: '2', PS4: '+ ' } })
    for (const operation of ['get', 'store', 'erase', 'erase', 'erase']) {
      const { stderr, status } = ask(operation, env, shell, refusal())
      expect([stderr.replace(/^.*set \+vx.*\n/gm, '').includes('hunter'), status]).toEqual([false, 0])
    }
    expect(ask('get', env, shell).stdout).toBe('quit=1\n')
  })
})

describe('refusals', () => {
  const refuse = (env: Record<string, string>, times: number) => {
    for (let time = 0; time < times; time++) ask('erase', env, ['sh'], refusal())
  }

  test('start at zero after a success', () => {
    const env = environment()
    refuse(env, 2)
    ask('store', env, ['sh'], refusal())
    refuse(env, 2)
    expect(ask('get', env)).toEqual(answer)
    refuse(env, 1)
    expect(ask('get', env).stdout).toBe('quit=1\n')
  })

  test('start at zero in a new run', () => {
    const env = environment()
    refuse(env, 3)
    const next = environment({ run: 'run-2', env: { RUNNER_TEMP: env['RUNNER_TEMP'] ?? '' } })
    expect(ask('get', next)).toEqual(answer)
  })

  test('of another password do not count', () => {
    const env = environment()
    for (let time = 0; time < 5; time++) {
      ask('erase', env, ['sh'], refusal('of-somebody-else'))
      ask('erase', env, ['sh'], 'protocol=https\nhost=bitbucket.org\n\n')
    }
    expect(ask('get', env)).toEqual(answer)
  })

  test('leave only empty files, in a private directory', () => {
    const env = environment()
    refuse(env, 5)
    const [name = '', ...others] = readdirSync(env['RUNNER_TEMP'] ?? '')
    expect([name, others]).toEqual([`bitbucket-token-refused-run-1-${process.getuid?.()}`, []])
    const directory = join(env['RUNNER_TEMP'] ?? '', name)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(readdirSync(directory).map((file) => [file, statSync(join(directory, file)).size])).toEqual([
      ['1', 0],
      ['2', 0],
      ['3', 0],
    ])
  })

  test('are counted in the first writable directory', () => {
    const elsewhere = temporaryDirectory()
    const space = join(temporaryDirectory(), 'a b')
    mkdirSync(space)
    for (const env of [
      { RUNNER_TEMP: '/nonexistent/x', TMPDIR: elsewhere },
      { RUNNER_TEMP: '', TMPDIR: space },
      { RUNNER_TEMP: '/dev/null', TMPDIR: temporaryDirectory() },
    ]) {
      const step = environment({ env })
      refuse(step, 3)
      expect(ask('get', step).stdout).toBe('quit=1\n')
      expect(readdirSync(env.TMPDIR)).toHaveLength(1)
    }
  })

  test('are not written through a link', () => {
    const env = environment()
    const target = temporaryDirectory()
    symlinkSync(target, join(env['RUNNER_TEMP'] ?? '', `bitbucket-token-refused-run-1-${process.getuid?.()}`))
    refuse(env, 1)
    expect(readdirSync(target)).toEqual([])
  })
})

test('the login variable has a place for each value, even if the expiry is unknown', () => {
  expect(loginOf({ gitUsername: 'ada', expiresAt: undefined, run: 'run-1' })).toBe('ada 0 - run-1')
})

test('the helper returns nothing without its variable', () => {
  const { [names.password]: _, ...env } = environment()
  for (const operation of ['get', 'store', 'erase']) expect(ask(operation, env)).toEqual(silence)
})

test('the helper works with the token alone, because many users pass only that to a container', () => {
  const { [names.login]: _, ...env } = environment()
  expect(ask('get', env)).toEqual(answer)
  for (let time = 0; time < 4; time++) ask('erase', env, ['sh'], refusal())
  expect(ask('get', env)).toEqual(answer)
})
