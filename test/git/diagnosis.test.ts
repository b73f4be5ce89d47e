/** @module-tag git */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addedToEnvironment, type GitConfigEntry } from '../../src/git/config-environment.ts'
import { gitConfiguration } from '../../src/git/configuration.ts'
import { diagnoseGit } from '../../src/git/diagnosis.ts'
import { joinSharedConfig } from '../../src/git/shared-config.ts'
import { revealed, Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { git } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const host = 'https://bitbucket.org'
const repository = `${host}/acme/website.git`
const environment = 'GIT_CONFIG_… or git -c'

/** A step, after an earlier step of the job has configured git. */
interface Step {
  /** Also the working directory. It contains `.gitconfig`. */
  readonly home: string
  readonly env: Readonly<Record<string, string>>
}

const configuration = (...paths: readonly string[]) =>
  gitConfiguration(
    new URL(host),
    { gitUsername: 'x-token-auth', secret: new Secret('hunter-hunter') },
    { paths, rewriteSshUrls: true, expiresAt: undefined, run: 'run-1' },
  )

/** Returns a step in which the entries are in variables, as env.sh sets them. */
function step(gitconfig = '', ...paths: readonly string[]): Step {
  const bare = stepWithout(gitconfig)
  const { entries } = configuration(...paths)
  return { ...bare, env: { ...bare.env, ...Object.fromEntries(addedToEnvironment(entries, {})) } }
}

/** Returns a step that git sees no entries in, although the variables of the credential are there. */
function stepWithout(gitconfig = ''): Step {
  const home = temporaryDirectory()
  writeFileSync(join(home, '.gitconfig'), gitconfig)
  const variables = [...configuration().variables].map(([name, value]) => [name, revealed(value)])
  const { PATH = '' } = process.env
  return { home, env: { PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1', ...Object.fromEntries(variables) } }
}

/** Adds entries after those of the step, as a later step may. */
function later({ env, home }: Step, ...entries: readonly GitConfigEntry[]): Step {
  const first = Number(env['GIT_CONFIG_COUNT'] ?? 0)
  const variables = entries.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ])
  const count = { GIT_CONFIG_COUNT: String(first + entries.length) }
  return { home, env: { ...env, ...Object.fromEntries(variables), ...count } }
}

const diagnose = ({ env, home }: Step, url = repository) => diagnoseGit(new URL(url), { env, cwd: home })

/** Returns the problems, each as its message and next step. */
const problems = (given: Step, url?: string) =>
  diagnose(given, url).problems.map(({ message, nextStep }) => `${message} ${nextStep}`)

/** Puts a program named git first on the PATH. */
function withGit({ env, home }: Step, script: string): Step {
  const bin = join(home, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'git'), `#!/bin/sh\n${script}`)
  chmodSync(join(bin, 'git'), 0o755)
  return { home, env: { ...env, PATH: `${bin}:${env['PATH']}` } }
}

describe('git uses the credential', () => {
  test('that the environment configures', () => {
    const version = /\d+(?:\.\d+)+/.exec(git('/', 'version'))?.[0]
    const healthy = { version, url: repository, isConfigured: true, isIntact: true, problems: [] }
    expect(diagnose(step())).toEqual(healthy)
  })

  test('that a file configures, which the steps of a job share', () => {
    const given = stepWithout()
    const file = joinSharedConfig(given.home, 'run-1', configuration().entries, fakeWorld())
    const included = later(given, ['include.path', file])
    expect(diagnose(included)).toMatchObject({ isIntact: true, problems: [] })
    rmSync(file)
    expect(diagnose(included).isIntact).toBe(false)
    expect(problems(included)).toEqual([
      `The file with the git configuration is missing: ${file}. Run bitbucket-token again in this job.`,
    ])
  })

  test('even if other programs have similar entries for themselves', () => {
    const given = step(`
      [credential]
        helper = store
        usehttppath
      [credential "https://example.com"]
        helper = store
      [http]
        extraHeader = X-Authorization: token
        extraHeader = X-Trace: authorization: none
        userAgent = Authorization: none
      [http "https://example.com"]
        extraHeader = Authorization: basic x
      [other]
        extraHeader = Authorization: basic x
      [url "https://bitbucket.org/"]
        insteadOf = bb:
      [url "https://example.com/"]
        insteadOf = https://bitbucket.org/other/
      [url "https://example.com/"]
        insteadOfAll = https://bitbucket.org/
      [curl "https://example.com/"]
        insteadOf = https://bitbucket.org/
      [remote "one"]
        url = git@bitbucket.org:acme/website.git
        url = https://x-token-auth@bitbucket.org/acme/website.git
        url = https://ada:secret@example.com/acme/website.git
        urls = https://ada:secret@bitbucket.org/acme/website.git
      [not-remote "one"]
        url = https://ada:secret@bitbucket.org/acme/website.git
      [alias]
        empty
    `)
    expect(problems(given)).toEqual([])
  })

  test('and says nothing about the configuration of other programs if no step has configured it', () => {
    const header = '[http]\nextraHeader = Authorization: x'
    const { env, home } = stepWithout(header)
    const bare = {
      home,
      env: Object.fromEntries(Object.entries(env).filter(([name]) => !/^BITB/.test(name))),
    }
    expect(diagnose(bare)).toMatchObject({ isConfigured: false, isIntact: false, problems: [] })
    rmSync(join(home, '.gitconfig'))
    expect(diagnose(bare)).toMatchObject({ isConfigured: false, isIntact: false, problems: [] })
  })

  test('is asked with the variables of the environment that its configuration depends on, and no others', () => {
    const given = withGit(step(), 'env >>"$HOME/environment"; echo git version 2.40.0')
    const needed = { GIT_CONFIG_SYSTEM: 'x', XDG_CONFIG_HOME: 'x', USERPROFILE: 'x', ProgramData: 'x' }
    const others = {
      MY_PATH: 'x',
      PATHS: 'x',
      NOT_GIT_X: 'x',
      SECRET: 'x',
      GIT_TRACE: '1',
      GIT_TRACE_CURL: '1',
    }
    diagnose({ ...given, env: { ...given.env, ...needed, ...others, LC_ALL: 'de_DE' } })
    const lines = readFileSync(join(given.home, 'environment'), 'utf8').split('\n')
    expect(lines).toEqual(
      expect.arrayContaining(['LC_ALL=C', ...Object.keys(needed).map((name) => `${name}=x`)]),
    )
    const names = lines.map((line) => line.split('=', 1)[0] ?? '')
    expect(names.filter((name) => name in others || name.startsWith('BITBUCKET'))).toEqual([])
  })
})

describe('an address without a path means the first path that is configured', () => {
  test.each([
    [[], `${host}/`],
    [['acme', 'beta/app'], `${host}/acme`],
  ])('git-path %j', (paths, url) => {
    expect(diagnose(step('', ...paths), host)).toMatchObject({ url, isIntact: true, problems: [] })
  })

  test('but never another host, and an address with a path stays as it is', () => {
    const given = step('', 'acme')
    const elsewhere = `${host}:8443/`
    expect(diagnose(given, elsewhere)).toMatchObject({ url: elsewhere, isIntact: false })
    expect(diagnose(given)).toMatchObject({ url: repository, isIntact: true })
    expect(diagnose(given, `${host}/beta/app`)).toMatchObject({ url: `${host}/beta/app`, isIntact: false })
    expect(problems(given, `${host}/beta/app`)).toEqual([
      `The credential in this job is not for ${host}/beta/app. Add its workspace or repository to git-path, or leave git-path empty.`,
    ])
  })

  test('unless the whole host is configured too, in any order', () => {
    for (const [first, second] of [
      [['acme'], []],
      [[], ['acme']],
    ] as const) {
      const given = later(step('', ...first), ...configuration(...second).entries)
      expect(diagnose(given, host).url).toBe(`${host}/`)
    }
  })

  test('and not the path of another program', () => {
    const given = later(step('', 'beta'), ['credential.helper', configuration().entries[1]?.[1] ?? ''])
    expect(diagnose(given, host).url).toBe(`${host}/beta`)
    const theirs = step(
      '[credential "https://bitbucket.org/theirs"]\nhelper = "!echo $BITBUCKET_GIT_PASSWORD_X"',
      'beta',
    )
    expect(diagnose(theirs, host).url).toBe(`${host}/beta`)
  })
})

describe('git does not use the credential if', () => {
  const again =
    'Change that step so that it adds its entries after the existing ones, starting at number GIT_CONFIG_COUNT. Load env.sh again, or run bitbucket-token again.'
  const removeOrRunAgain = 'Remove that entry, or run bitbucket-token after it.'

  test('the count of its entries is gone, or a later step has replaced them', () => {
    expect(problems(stepWithout())).toEqual([
      `GIT_CONFIG_COUNT is not set here, so git does not see the entries of bitbucket-token. ${again}`,
    ])
    expect(
      problems(later(stepWithout(), ['user.name', 'bitbucket-token-git'], ['include.path', '/mine'])),
    ).toEqual([
      `GIT_CONFIG_COUNT is 2 here, but none of these entries is from bitbucket-token, because a later step replaced them. ${again}`,
    ])
  })

  test.each([
    ['empty', [''], 'A later, empty credential.helper entry removes the helper of bitbucket-token.'],
    [
      'of another program',
      ['', 'store'],
      `git asks another credential helper first: credential.helper in ${environment}.`,
    ],
    [
      'similar',
      ['', 'echo {BITBUCKET_GIT_PASSWORD_X'],
      `git asks another credential helper first: credential.helper in ${environment}.`,
    ],
  ])('a later helper is %s', (_, values, message) => {
    const given = later(step(), ...values.map((value): GitConfigEntry => ['credential.helper', value]))
    expect(diagnose(given).isIntact).toBe(false)
    expect(problems(given)).toEqual([`${message} ${removeOrRunAgain}`])
  })

  test('another helper is asked before it, which is named once', () => {
    const [, ours = ['', '']] = configuration().entries
    const given = later(step(), ['credential.helper', ''], ['credential.helper', 'store'], ours)
    expect(problems(given)).toEqual([
      `git asks another credential helper first: credential.helper in ${environment}. ${removeOrRunAgain}`,
    ])
  })

  test('a later helper has no value', () => {
    const given = stepWithout()
    const file = joinSharedConfig(given.home, 'run-1', configuration().entries, fakeWorld())
    writeFileSync(join(given.home, '.gitconfig'), `[include]\npath = "${file}"\n[credential]\nhelper\n`)
    expect(problems(given)).toEqual([
      `A later, empty credential.helper entry removes the helper of bitbucket-token. ${removeOrRunAgain}`,
    ])
  })

  test.each([
    ['machine\n\tbitbucket.org\n\tlogin ada', 'bitbucket.org'],
    ['machine example.com login ada password secret\n\n\tmachine bitbucket.org', 'bitbucket.org'],
    ['default login ada password secret', 'every other host (default)'],
    ['machine default login ada default login ada', 'every other host (default)'],
  ])('netrc has an entry that git sends first: %j', (text, whose) => {
    for (const name of ['.netrc', '_netrc']) {
      const given = step()
      writeFileSync(join(given.home, name), text)
      const message = `${given.home}/${name} has an entry for ${whose}, which git sends first. Remove that entry.`
      expect(problems(given)).toEqual([message])
      const { HOME = '', ...env } = given.env
      expect(problems({ ...given, env: { ...env, USERPROFILE: HOME } })).toEqual([message])
      expect(problems({ ...given, env })).toEqual([])
    }
  })

  test.each(['machine', 'login', 'password', 'account', 'macdef'])(
    'netrc has an entry, but not if "default" is the value of %s',
    (field) => {
      const given = step()
      writeFileSync(join(given.home, '.netrc'), `machine example.com ${field} default`)
      expect(problems(given)).toEqual([])
    },
  )

  test.each([
    ['git@bitbucket.org:', 'git@bitbucket.org:'],
    ['https://example.com/', 'https://example.com/'],
    ['https://x-token-auth@bitbucket.org/', 'https://***@bitbucket.org/'],
    ['https://:secret@bitbucket.org/', 'https://***@bitbucket.org/'],
  ])('an entry rewrites its address to %s', (base, shown) => {
    for (const name of ['insteadOf', 'pushInsteadOf']) {
      const given = step(`[url "${base}"]\n${name} = ${host}/acme/\n`)
      expect(problems(given)).toEqual([
        `url.${shown}.${name.toLowerCase()} in ${given.home}/.gitconfig rewrites ${host}/acme/, so git does not use the credential. Remove it: git config --unset-all url.….${name}, in that file.`,
      ])
      expect(problems(given, `${host}/beta/app`)).toEqual([])
    }
  })

  test('several entries rewrite its address, and the longest is a harmful one', () => {
    const harmful = (value: string) => `[url "https://example.com/"]\ninsteadOf = ${value}\n`
    const harmless = (value: string) => `[url "${host}/"]\ninsteadOf = ${value}\n`
    for (const [short, long] of [
      [harmless(`${host}/`), harmful(`${host}/acme/`)],
      [harmful(`${host}/`), harmless(`${host}/acme/`)],
    ] as const) {
      for (const both of [short + long, long + short]) {
        expect(problems(step(both))).toHaveLength(long.includes('example') ? 1 : 0)
      }
    }
  })

  test.each(['Authorization: basic x', ' AUTHORIZATION : bearer x'])(
    'another program adds the header "%s"',
    (header) => {
      const given = step(`[http]\nextraHeader = "${header}"\n`)
      const nextStep =
        'Remove it. (actions/checkout leaves one for its own host unless persist-credentials is false.)'
      expect(problems(given)).toEqual([
        `http.extraheader in ${given.home}/.gitconfig sends its own Authorization header, so git does not use the credential. ${nextStep}`,
      ])
      expect(problems(later(given, ['http.extraHeader', '']))).toEqual([])
      expect(problems(later(given, ['http.extraHeader', ''], ['http.extraHeader', header]))).toEqual([
        expect.stringContaining(`http.extraheader in ${environment} sends`),
      ])
    },
  )

  test.each([
    ...['/', '/acme', '/acme/', '/acme/website.git', '/acme/website.git/'].map((path) => [
      `${host}${path}`,
      true,
    ]),
    ...['https://*.org', 'https://bitbucket.*', 'https://*.*', 'HTTPS://BitBucket.org', `${host}:443`].map(
      (address) => [address, true],
    ),
    ...['/acm', '/acme/web', '/acme/website.git/info', '/website.git', '//acme'].map((path) => [
      `${host}${path}`,
      false,
    ]),
    ...[
      'http://bitbucket.org',
      `${host}:8443`,
      'https://example.org',
      'https://any.org',
      'https://[',
      'https://*',
    ].map((address) => [address, false]),
    ...[
      'https://*.bitbucket.org',
      'https://*.com',
      'https://org',
      'https://*.org/other',
      'https://any.org/*',
    ].map((address) => [address, false]),
  ] as [string, boolean][])(
    'the header of an entry for %s is for it, as git says too: %s',
    (address, isForIt) => {
      const given = step(`[http]\nextraHeader = X: y\n[http "${address}"]\nextraHeader = Authorization: x\n`)
      const said = git(
        given.home,
        'config',
        '--file',
        '.gitconfig',
        '--get-urlmatch',
        'http.extraHeader',
        repository,
      )
      expect([said === 'Authorization: x\n', problems(given).length === 1]).toEqual([isForIt, isForIt])
    },
  )

  test('a helper is asked first for the host without a scheme', () => {
    const given = later(
      step(),
      ['credential.bitbucket.org.helper', ''],
      ['credential.bitbucket.org.helper', 'store'],
    )
    expect(problems(given)).toEqual([
      expect.stringContaining('helper first: credential.bitbucket.org.helper in'),
    ])
  })

  test.each(['url', 'pushurl'])('the clone has a password in its %s', (name) => {
    const given = step(`[remote "origin"]\n${name} = https://ada:secret@bitbucket.org/acme/website.git\n`)
    expect(problems(given)).toEqual([
      `remote.origin.${name} in ${given.home}/.gitconfig contains a password, so git does not use the credential. Set the address without user name and password: git remote set-url.`,
    ])
  })

  test('several programs interfere, and each is named', () => {
    const given = step('[http]\nextraHeader = Authorization: x\n')
    git(given.home, 'init', '--quiet')
    git(given.home, 'remote', 'add', 'origin', 'https://ada:secret@bitbucket.org/acme/website.git')
    expect(problems(given)).toEqual([
      expect.stringContaining('sends its own Authorization header'),
      expect.stringContaining('remote.origin.url in .git/config contains a password'),
    ])
  })
})

test('names the helpers to which git passes the token on, and not ours', () => {
  const ours = configuration('acme')
    .entries.filter(([key]) => key.endsWith('/acme.helper'))
    .slice(1)
  const given = later(step(), ['credential.helper', 'store'], ...ours, [`credential.${host}.helper`, 'cache'])
  expect(diagnose(given).isIntact).toBe(true)
  const nextStep = 'Remove that entry, or add an empty one for this host after it.'
  expect(problems(given)).toEqual([
    `git passes the token on to another credential helper after each success: credential.helper in ${environment}. ${nextStep}`,
    `git passes the token on to another credential helper after each success: credential.${host}.helper in ${environment}. ${nextStep}`,
  ])
})

describe('git itself', () => {
  test.each([
    ['1.99.0', true],
    ['2.30.9', true],
    ['2.31.0', false],
    ['2.50.1 (Apple Git-155)', false],
    ['3.0', false],
    ['10.0.0', false],
  ])('of version %s is too old: %s', (version, isOld) => {
    const given = withGit(step(), `[ "$1" = version ] && { echo 'git version ${version}'; exit; }; exit 1`)
    const number = version.split(' ')[0]
    expect(diagnose(given)).toMatchObject({ version: number, isIntact: false })
    expect(problems(given)).toEqual([
      isOld
        ? expect.stringMatching(`^git ${number} ignores GIT_CONFIG_COUNT, .* Use git 2.31 or later, .*git.md`)
        : expect.stringContaining('replaced them'),
    ])
  })

  test.each([
    ['is missing', 'exit 127', /^git was not found on the PATH, .* Install git 2\.31 or later/],
    ['is another program', 'echo legit version 2.40.1; echo >&2', /^git was not found on the PATH/],
    ['has a short version', 'echo git version 2', /^git was not found on the PATH/],
    [
      'does not start',
      "printf '\\nfatal: bad config\\nmore\\n' >&2; exit 128",
      /^git does not start: fatal: bad config Correct what it names, then run check again\.$/,
    ],
  ])('%s', (_, script, message) => {
    const given = withGit(step(), script)
    expect(diagnose(given)).toMatchObject({ version: undefined, url: repository, isIntact: undefined })
    expect(problems(given)).toEqual([expect.stringMatching(message)])
  })

  test('is not on the PATH', () => {
    const given = step()
    const missing = { ...given, env: { ...given.env, PATH: given.home } }
    expect(problems(missing)).toEqual([expect.stringMatching(/^git was not found on the PATH/)])
  })

  test('cannot read its configuration', () => {
    const given = { ...step(), env: { ...step().env, GIT_CONFIG_COUNT: '99' } }
    expect(diagnose(given).isIntact).toBe(false)
    expect(problems(given)).toEqual([
      expect.stringMatching(
        /^git cannot read its configuration, so every git command fails: error: missing config key GIT_CONFIG_KEY_\d+ If it names GIT_CONFIG_KEY_…, /,
      ),
    ])
    const old = withGit(
      given,
      `[ "$1" = version ] && { echo git version 2.30.0; exit; }; printf '\\nfatal: one\\ntwo\\n' >&2; exit 128`,
    )
    expect(problems(old)).toEqual([
      expect.stringContaining('git 2.30.0 ignores'),
      expect.stringMatching(/fails: fatal: one If it names/),
    ])
  })
})
