/** @module-tag git */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addedToEnvironment } from '../../src/git/config-environment.ts'
import { type GitConfigurationOptions, gitConfiguration } from '../../src/git/configuration.ts'
import { revealed, Secret } from '../../src/secret.ts'
import { gitEnvironment } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const bitbucket = new URL('https://bitbucket.org')
const credential = { gitUsername: 'x-token-auth', secret: new Secret('hunter-%s\\n-hunter') }
const farFuture = Date.parse('2096-11-21T10:00:00.999Z')
const usual: GitConfigurationOptions = {
  expiresAt: undefined,
  run: 'run-1',
  paths: [],
  rewriteSshUrls: false,
}

type Given = Partial<GitConfigurationOptions> & { readonly url?: URL; readonly token?: string }

/** Returns the environment of a later step. */
function environment(
  { url = bitbucket, token, ...options }: Given = {},
  before: Record<string, string> = gitEnvironment(),
): Record<string, string> {
  const used = token === undefined ? credential : { ...credential, secret: new Secret(token) }
  const { entries, variables } = gitConfiguration(url, used, { ...usual, ...options })
  const plain = [...variables].map(([name, value]) => [name, revealed(value)])
  return { ...before, ...Object.fromEntries([...plain, ...addedToEnvironment(entries, before)]) }
}

/** Returns what the real git prints in that environment. */
function git(env: Record<string, string>, args: readonly string[], input = '') {
  const { stdout, stderr, status } = spawnSync('git', args, { env, input, encoding: 'utf8' })
  return { stdout, stderr, status }
}

const fill = (env: Record<string, string>, description: string) =>
  git(env, ['credential', 'fill'], `${description}\n\n`)
const passwordFor = (env: Record<string, string>, url: string) =>
  /^password=(.*)$/m.exec(fill(env, `url=${url}`).stdout)?.[1]

describe('git finds the credential', () => {
  test('unchanged, even if it contains characters that are special to printf', () => {
    expect(fill(environment(), 'url=https://bitbucket.org/acme/website.git').stdout).toBe(
      'protocol=https\nhost=bitbucket.org\nusername=x-token-auth\npassword=hunter-%s\\n-hunter\n',
    )
  })

  test("instead of the user name in Bitbucket's own clone URLs", () => {
    const { stdout } = fill(environment(), 'url=https://ada@bitbucket.org/acme/website.git')
    expect(stdout).toContain('username=x-token-auth\n')
  })

  test('until it expires', () => {
    const { stdout } = fill(environment({ expiresAt: farFuture }), 'url=https://bitbucket.org')
    expect(stdout).toContain('username=x-token-auth\npassword=hunter-%s\\n-hunter\n')
  })

  test.each(['http://bitbucket.org', 'https://bitbucket.org:8443', 'https://bitbucket.org.example.com'])(
    'but not for another origin: %s',
    (other) => {
      expect(fill(environment(), `url=${other}`)).toMatchObject({ status: 128, stdout: '' })
    },
  )

  test('without asking or informing a helper that was configured before', () => {
    const base = temporaryDirectory()
    const env = {
      ...environment(),
      // Otherwise `git credential reject` is counted in /tmp, where other tests clean up.
      RUNNER_TEMP: base,
      GIT_CONFIG_GLOBAL: join(base, 'gitconfig'),
      NOTES: join(base, 'notes'),
    }
    writeFileSync(env.GIT_CONFIG_GLOBAL, '[credential]\n\thelper = "!f() { echo $1 >>\\"$NOTES\\"; }; f"\n')
    const { stdout } = fill(env, 'url=https://bitbucket.org')
    git(env, ['credential', 'approve'], stdout)
    git(env, ['credential', 'reject'], stdout)
    expect(existsSync(env.NOTES)).toBe(false)
    fill(env, 'url=https://example.com')
    expect(existsSync(env.NOTES)).toBe(true)
  })
})

describe('git-path', () => {
  test.each([
    ['acme', 'https://bitbucket.org/acme/website.git'],
    ['acme', 'https://bitbucket.org/acme/website'],
    ['acme', 'https://bitbucket.org/acme/website.git/info/lfs'],
    ['acme', 'https://ada@bitbucket.org/acme/website.git'],
    ['Acme', 'https://bitbucket.org/Acme/website.git'],
    ['Acme', 'https://bitbucket.org/acme/website.git'],
    ['acme/website', 'https://bitbucket.org/acme/website'],
    ['acme/website', 'https://bitbucket.org/acme/website/'],
    ['acme/website', 'https://bitbucket.org/acme/website.git'],
    ['acme/website', 'https://bitbucket.org/acme/website.git/info/lfs'],
  ])('%s covers %s', (path, url) => {
    expect(passwordFor(environment({ paths: [path] }), url)).toBe('hunter-%s\\n-hunter')
  })

  test.each([
    ['acme', 'https://bitbucket.org/acme-2/website.git'],
    ['acme', 'https://bitbucket.org/other/acme.git'],
    ['acme', 'https://bitbucket.org'],
    ['acme/website', 'https://bitbucket.org/acme/website-2.git'],
    ['acme/website', 'https://bitbucket.org/acme/web.git'],
    ['acme/website', 'https://bitbucket.org/other/website.git'],
  ])('%s does not cover %s', (path, url) => {
    expect(passwordFor(environment({ paths: [path] }), url)).toBeUndefined()
  })

  test("leaves other workspaces, and only those, to the machine's own credential", () => {
    const env = {
      ...environment({ paths: ['acme', 'beta/app'] }),
      GIT_CONFIG_GLOBAL: join(temporaryDirectory(), 'c'),
    }
    writeFileSync(
      env.GIT_CONFIG_GLOBAL,
      '[credential]\n\thelper = "!f() { test $1 != get || printf \'username=me\\npassword=own\\n\'; }; f"\n',
    )
    expect(passwordFor(env, 'https://bitbucket.org/third/app')).toBe('own')
    expect(passwordFor(env, 'https://bitbucket.org/beta/other')).toBe('own')
    expect(passwordFor(env, 'https://bitbucket.org/acme/app')).toBe('hunter-%s\\n-hunter')
    expect(passwordFor(env, 'https://bitbucket.org/beta/app.git')).toBe('hunter-%s\\n-hunter')
  })

  const scopes: readonly Given[] = [
    { token: 'for-all' },
    { token: 'for-acme', paths: ['acme'] },
    { token: 'for-website', paths: ['acme/website'] },
  ]
  test.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('the most specific path wins in any order: %i %i %i', (...order) => {
    const env = order.reduce((before, index) => environment(scopes[index], before), gitEnvironment())
    expect(passwordFor(env, 'https://bitbucket.org/acme/website.git')).toBe('for-website')
    expect(passwordFor(env, 'https://bitbucket.org/acme/other.git')).toBe('for-acme')
    expect(passwordFor(env, 'https://bitbucket.org/beta/website.git')).toBe('for-all')
  })
})

test('git-lfs and git use the path of a repository if git-path is set', () => {
  const isUsed = (given: Given) =>
    git(environment(given), [
      'config',
      '--get-urlmatch',
      'credential.useHttpPath',
      'https://bitbucket.org/acme/x',
    ]).stdout
  expect(isUsed({ paths: ['acme'] })).toBe('true\n')
  expect(isUsed({})).toBe('')
})

test('each repository and workspace gets no more entries than it has spellings', () => {
  const helpersOf = (path: string) =>
    gitConfiguration(bitbucket, credential, { ...usual, paths: [path] }).entries.flatMap(([key, value]) =>
      key.endsWith('.helper') && value === '' ? [key.slice('credential.'.length, -'.helper'.length)] : [],
    )
  expect(helpersOf('Acme')).toEqual(['https://bitbucket.org/Acme', 'https://bitbucket.org/acme'])
  expect(helpersOf('acme/web')).toEqual([
    'https://bitbucket.org/acme/web',
    'https://bitbucket.org/acme/web.git',
  ])
})

test('with a helper of its own, git asks that, and the configuration contains no token', () => {
  const command = "!printf 'username=me\\npassword=from-helper\\n'; :"
  const given = { helper: command, paths: ['acme'] }
  expect(gitConfiguration(bitbucket, credential, { ...usual, ...given }).variables.size).toBe(0)
  expect(passwordFor(environment(given), 'https://bitbucket.org/acme/website')).toBe('from-helper')
})

test.each([
  ['https://bitbucket.org', /^BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG$/],
  ['https://localhost', /^BITBUCKET_GIT_PASSWORD_LOCALHOST$/],
  ['https://git.example.com', /^BITBUCKET_GIT_PASSWORD_GIT_EXAMPLE_COM$/],
  ['https://git.example.com:8443/path', /^BITBUCKET_GIT_PASSWORD_GIT_EXAMPLE_COM_8443__[0-9A-F]{8}$/],
  ['http://[::1]:7990', /^BITBUCKET_GIT_PASSWORD_1_7990__[0-9A-F]{8}$/],
])('each host has its own variable: %s', (address, variable) => {
  const url = new URL(address)
  const { variables } = gitConfiguration(url, credential, usual)
  expect([...variables.keys()][0]).toMatch(variable)
  expect(fill(environment({ url }), `url=${url.origin}`).stdout).toContain('password=hunter')
})

// A user copies this name into `docker run --env`.
test.each(['acme', 'Acme'])('the variable of the path %s has the same name in every version', (path) => {
  expect([...gitConfiguration(bitbucket, credential, { ...usual, paths: [path] }).variables.keys()]).toEqual([
    'BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG_ACME__C7ED47E8',
    'BITBUCKET_GIT_LOGIN_BITBUCKET_ORG_ACME__C7ED47E8',
  ])
})

test('no two scopes share a variable', () => {
  const urls = [
    'https://git-x.example',
    'https://git.x.example',
    'https://git_x.example',
    'https://git.x-example',
    'https://git.x.example:8443',
    'https://git.x.example.8443.test',
    'http://localhost:8443',
    'https://localhost:8443',
  ]
  const paths = ['acme', 'acme/web', 'acme-web', 'acme_web', 'acme.web', 'a-b', 'a_b', 'a/b', 'a.b']
  const names = urls.flatMap((url) =>
    [[], ...paths.map((path) => [path])].flatMap((part) => [
      ...gitConfiguration(new URL(url), credential, { ...usual, paths: part }).variables.keys(),
    ]),
  )
  expect(new Set(names).size).toBe(urls.length * (paths.length + 1) * 2)
  expect(names.filter((name) => !/^[A-Z][A-Z0-9_]*$/.test(name))).toEqual([])
})

test('runs with different tokens, expiry times and user names have the same entries', () => {
  const entriesOf = (options: Partial<GitConfigurationOptions>, gitUsername: string) =>
    gitConfiguration(bitbucket, { secret: new Secret('another'), gitUsername }, { ...usual, ...options })
      .entries
  expect(entriesOf({ expiresAt: farFuture, run: 'run-2' }, 'x-bitbucket-api-token-auth')).toEqual(
    entriesOf({}, 'x-token-auth'),
  )
})

test.each([
  ['every repository of the host', [], ['']],
  ['those of git-path, and where it verifies files', ['acme'], ['/acme', '/{}']],
])('git-lfs sends the credential with its first request to %s', (_, paths, scopes) => {
  expect(git(environment({ paths }), ['config', '--get-regexp', '^lfs']).stdout).toBe(
    scopes.map((scope) => `lfs.https://bitbucket.org${scope}.access basic\n`).join(''),
  )
})

describe('an SSH address', () => {
  const effective = (address: string, options: Given = { rewriteSshUrls: true }) =>
    git(environment(options), ['ls-remote', '--get-url', address]).stdout.trim()

  test.each([
    'git@bitbucket.org:',
    'git@bitbucket.org:/',
    'bitbucket.org:',
    'ssh://git@bitbucket.org/',
    'ssh://bitbucket.org/',
    'ssh://git@bitbucket.org:22/',
    'ssh://git@altssh.bitbucket.org:443/',
    'ssh://altssh.bitbucket.org:443/',
    'git@altssh.bitbucket.org:',
    'git+ssh://git@bitbucket.org/',
    'git+ssh://git@bitbucket.org:22/',
    'git+ssh://git@altssh.bitbucket.org:443/',
    'ssh+git://git@bitbucket.org/',
    '[git@bitbucket.org:22]:',
    '[git@bitbucket.org]:',
    'git@[bitbucket.org]:',
    'ssh://git@[bitbucket.org]/',
    'ssh://git@bitbucket.org:/',
    '[git@altssh.bitbucket.org:443]:',
  ])('is rewritten only with rewrite-ssh-urls: %s', (prefix) => {
    const address = `${prefix}acme/website.git`
    expect(effective(address)).toBe('https://bitbucket.org/acme/website.git')
    expect(effective(address, {})).toBe(address)
    const paths = { rewriteSshUrls: true, paths: ['acme', 'Beta/app'] }
    expect(effective(address, paths)).toBe('https://bitbucket.org/acme/website.git')
    expect(effective(`${prefix}Beta/app.git`, paths)).toBe('https://bitbucket.org/Beta/app.git')
    expect(effective(`${prefix}beta/app.git`, paths)).toBe('https://bitbucket.org/beta/app.git')
    expect(effective(`${prefix}third/website.git`, paths)).toBe(`${prefix}third/website.git`)
    expect(effective(`${prefix}beta/app-2.git`, paths)).toBe(`${prefix}beta/app-2.git`)
    expect(effective(`${prefix}acme-2/app.git`, paths)).toBe(`${prefix}acme-2/app.git`)
  })

  test.each([
    'git@bitbucket.org.example.com:acme/x.git',
    'ssh://git@github.com/acme/x.git',
    'git@github.com:bitbucket.org/x.git',
  ])('of another host is not rewritten: %s', (address) => {
    expect(effective(address)).toBe(address)
  })
})
