/** @module-tag git */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addedToEnvironment } from '../../src/git/config-environment.ts'
import { gitConfiguration } from '../../src/git/configuration.ts'
import { Secret } from '../../src/secret.ts'
import { gitEnvironment } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const bitbucket = new URL('https://bitbucket.org')
const credential = { gitUsername: 'x-token-auth', token: new Secret('hunter-%s\\n-hunter') }
const farFuture = Date.parse('2096-11-21T10:00:00.999Z')

/** The environment of a later step. */
function environment({
  url = bitbucket,
  expiresAt = undefined as number | undefined,
  rewriteSshUrls = false,
} = {}): Record<string, string> {
  const { entries, variables } = gitConfiguration(url, credential, { expiresAt, rewriteSshUrls })
  const secrets = [...variables].map(([name, value]) => [name, value.reveal()])
  return { ...gitEnvironment(), ...Object.fromEntries([...secrets, ...addedToEnvironment(entries, {})]) }
}

/** What the real git says in that environment. */
function git(env: Record<string, string>, args: readonly string[], input = '') {
  const { stdout, stderr, status } = spawnSync('git', args, { env, input, encoding: 'utf8' })
  return { stdout, stderr, status }
}

const fill = (env: Record<string, string>, description: string) =>
  git(env, ['credential', 'fill'], `${description}\n\n`)

describe('git finds the credential', () => {
  test('exactly as it is, whatever printf would make of it', () => {
    expect(fill(environment(), 'url=https://bitbucket.org/acme/website.git').stdout).toBe(
      'protocol=https\nhost=bitbucket.org\nusername=x-token-auth\npassword=hunter-%s\\n-hunter\n',
    )
  })

  test("instead of the user name in Bitbucket's own clone URLs", () => {
    const { stdout } = fill(environment(), 'url=https://ada@bitbucket.org/acme/website.git')
    expect(stdout).toContain('username=x-token-auth\n')
  })

  test('as long as its time is not up', () => {
    const { stdout } = fill(environment({ expiresAt: farFuture }), 'url=https://bitbucket.org')
    expect(stdout).toContain('username=x-token-auth\npassword=hunter-%s\\n-hunter\n')
  })

  test.each(['http://bitbucket.org', 'https://bitbucket.org:8443', 'https://bitbucket.org.example.com'])(
    'for no other origin: %s',
    (other) => {
      expect(fill(environment(), `url=${other}`)).toMatchObject({ status: 128, stdout: '' })
    },
  )

  test('and neither asks nor tells a keychain that was configured before', () => {
    const base = temporaryDirectory()
    const env = { ...environment(), GIT_CONFIG_GLOBAL: join(base, 'gitconfig'), NOTES: join(base, 'notes') }
    writeFileSync(env.GIT_CONFIG_GLOBAL, '[credential]\n\thelper = "!f() { echo $1 >>\\"$NOTES\\"; }; f"\n')
    const { stdout } = fill(env, 'url=https://bitbucket.org')
    git(env, ['credential', 'approve'], stdout)
    git(env, ['credential', 'reject'], stdout)
    expect(existsSync(env.NOTES)).toBe(false)
    fill(env, 'url=https://example.com')
    expect(existsSync(env.NOTES)).toBe(true)
  })
})

describe('the helper', () => {
  /** As git runs one that begins with an exclamation mark (git: credential.c). */
  const ask = (operation: string, env: Record<string, string>) => {
    const helper = env['GIT_CONFIG_VALUE_1']?.slice(1)
    const { stdout, stderr } = spawnSync('sh', ['-c', `${helper} ${operation}`], { env, encoding: 'utf8' })
    return { stdout, stderr }
  }
  const silence = { stdout: '', stderr: '' }

  test.each([undefined, farFuture, 0])('is silent to store and erase (end: %s)', (expiresAt) => {
    expect(ask('store', environment({ expiresAt }))).toEqual(silence)
    expect(ask('erase', environment({ expiresAt }))).toEqual(silence)
  })

  test.each([undefined, farFuture, 0])(
    'is silent where its variable did not arrive (end: %s)',
    (expiresAt) => {
      const env = { ...environment({ expiresAt }), BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG: '' }
      expect(ask('get', env)).toEqual(silence)
    },
  )

  test('tells git from 2.41 on when the token ends, in whole seconds', () => {
    const { stdout } = ask('get', environment({ expiresAt: farFuture }))
    expect(stdout).toMatch(/^password_expiry_utc=4004330400$/m)
    expect(ask('get', environment())).toEqual({
      stdout: 'username=x-token-auth\npassword=hunter-%s\\n-hunter\n',
      stderr: '',
    })
  })

  test('says that the time is up, and ends the asking', () => {
    const env = environment({ expiresAt: Date.parse('2026-01-02T03:04:05.678Z') })
    expect(ask('get', env)).toEqual({
      stdout: 'quit=1\n',
      stderr: 'bitbucket-token: the token ended at 2026-01-02T03:04:05Z; run bitbucket-token again\n',
    })
    expect(fill(env, 'url=https://bitbucket.org')).toMatchObject({ status: 128, stdout: '' })
  })
})

test.each([
  ['https://bitbucket.org', 'BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG'],
  ['https://git.example.com:8443/path', 'BITBUCKET_GIT_PASSWORD_GIT_EXAMPLE_COM_8443'],
  ['http://[::1]:7990', 'BITBUCKET_GIT_PASSWORD__1_7990'],
])('each host has a variable of its own: %s', (address, variable) => {
  const url = new URL(address)
  const { variables } = gitConfiguration(url, credential, { expiresAt: undefined, rewriteSshUrls: false })
  expect([...variables.keys()]).toEqual([variable])
  expect(fill(environment({ url }), `url=${url.origin}`).stdout).toContain('password=hunter')
})

test('git-lfs sends the credential at once to every repository of the host', () => {
  const env = environment()
  expect(git(env, ['config', '--get-regexp', '^lfs']).stdout).toBe('lfs.https://bitbucket.org.access basic\n')
})

describe.each(['git@bitbucket.org:acme/website.git', 'ssh://git@bitbucket.org/acme/website.git'])(
  'an SSH address: %s',
  (address) => {
    const effective = (rewriteSshUrls: boolean) =>
      git(environment({ rewriteSshUrls }), ['ls-remote', '--get-url', address]).stdout.trim()

    test('goes through the credential where that is wanted, and else stays', () => {
      expect(effective(true)).toBe('https://bitbucket.org/acme/website.git')
      expect(effective(false)).toBe(address)
    })
  },
)
