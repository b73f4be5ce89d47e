import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as core from '@actions/core'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { cleanUp, directoriesOfEarlierSteps, github, isPost, rememberMain } from '../../src/hosts/github.ts'
import type { Results } from '../../src/hosts/host.ts'
import { openHost } from '../../src/hosts/index.ts'
import { inertText } from '../../src/inert.ts'
import { Secret } from '../../src/secret.ts'
import type { World } from '../../src/world.ts'
import { type FakeWorld, fakeWorld } from '../support/fake-world.ts'
import { decodeFile, isCommand, linesOf } from '../support/runner-files.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const fileVariables = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const
type FileVariable = (typeof fileVariables)[number]

/** A step of a job: the runner's files and temporary directory. */
function step(given: Partial<World> = {}) {
  const base = temporaryDirectory()
  const temporary = join(base, 'temp')
  mkdirSync(temporary)
  const env: Record<string, string | undefined> = { RUNNER_TEMP: temporary }
  for (const variable of fileVariables) {
    env[variable] = join(base, variable)
    writeFileSync(join(base, variable), '')
  }
  Object.assign(env, given.env)
  const world = fakeWorld({ uniqueName: () => crypto.randomUUID(), ...given, env })
  const file = (variable: FileVariable) => readFileSync(join(base, variable), 'utf8')
  return { world, base, temporary, file, host: github(world, false) }
}

const results = (given: Partial<Results>): Results => ({
  variables: new Map(),
  outputs: new Map(),
  gitConfig: [],
  ...given,
})

function failure(work: () => unknown): TokenError {
  let error: unknown
  try {
    work()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(TokenError)
  return error as TokenError
}

/** Values with all that means something in a command or a file. */
const anyValue = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        '%',
        '%25',
        '%0A',
        '\r',
        '\n',
        '\r\n',
        '::',
        ',',
        '=',
        '<<',
        'EOF',
        'ghadelimiter_',
        '##[',
      ),
    ),
  )
  .map((pieces) => pieces.join(''))

describe('what @actions/core would write, we write too', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bitbucket-token-oracle-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  let printed = ''
  beforeEach(() => {
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      printed += chunk
      return true
    })
    for (const variable of fileVariables) vi.stubEnv(variable, join(directory, variable))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })

  /** What the official library prints. */
  function printedBy(work: () => void): string {
    printed = ''
    work()
    return printed
  }

  /** What a runner reads from a file that the official library has written. */
  function writtenBy(variable: FileVariable, work: () => void): [string, string][] {
    writeFileSync(join(directory, variable), '')
    work()
    return decodeFile(readFileSync(join(directory, variable), 'utf8'))
  }

  test('to hide a secret', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const world = fakeWorld()
        github(world, false).mask(new Secret(value))
        expect(world.out()).toBe(printedBy(() => core.setSecret(value)))
      }),
      { numRuns: 300 },
    )
  })

  test('to warn and to fail', () => {
    fc.assert(
      fc.property(anyValue, (text) => {
        const world = fakeWorld({ env: { RUNNER_DEBUG: '1' } })
        const { log } = github(world, false)
        log.warning(text)
        log.error(text)
        log.debug(text)
        const properties = { title: 'bitbucket-token' }
        const official = printedBy(() => {
          core.warning(inertText(text), properties)
          core.error(inertText(text), properties)
          core.debug(inertText(text))
        })
        expect(world.out()).toBe(official)
      }),
      { numRuns: 300 },
    )
  })

  test('to export a variable and to set an output', () => {
    const { host, base } = step()
    fc.assert(
      fc.property(anyValue, anyValue, (variable, output) => {
        for (const name of ['GITHUB_ENV', 'GITHUB_OUTPUT']) writeFileSync(join(base, name), '')
        host.handOver(
          results({
            variables: new Map<string, string | Secret>([
              ['BITBUCKET_TEST_ONE', new Secret(variable)],
              ['BITBUCKET_TEST_TWO', output],
            ]),
            outputs: new Map([['authorization', new Secret(output)]]),
          }),
        )
        const read = (name: FileVariable) => decodeFile(readFileSync(join(base, name), 'utf8'))
        expect(read('GITHUB_ENV')).toEqual(
          writtenBy('GITHUB_ENV', () => {
            // The library also sets it here, where a NUL would end it.
            core.exportVariable('BITBUCKET_TEST_ONE', variable)
            core.exportVariable('BITBUCKET_TEST_TWO', output)
          }),
        )
        expect(read('GITHUB_OUTPUT')).toEqual(
          writtenBy('GITHUB_OUTPUT', () => core.setOutput('authorization', output)),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('to keep a state for post', () => {
    const { world, file } = step()
    rememberMain(world)
    expect(decodeFile(file('GITHUB_STATE'))).toEqual(
      writtenBy('GITHUB_STATE', () => core.saveState('bitbucket_token_main', 'started')),
    )
  })
})

describe('files of a step', () => {
  test('a value cannot end its block, for nobody can guess the end', () => {
    const { host, file } = step()
    const value = new Secret('x\nghadelimiter_\nEOF\nPATH=/evil\n')
    host.handOver(results({ variables: new Map([['A', value]]) }))
    host.handOver(results({ variables: new Map([['B', new Secret(file('GITHUB_ENV'))]]) }))
    expect(decodeFile(file('GITHUB_ENV')).map(([name]) => name)).toEqual(['A', 'B'])
    const [first, second] = ['A', 'B'].map(
      (name) => new RegExp(`^${name}<<(.*)$`, 'm').exec(file('GITHUB_ENV'))?.[1],
    )
    expect(first).toMatch(/^ghadelimiter_[0-9a-f-]{36}$/)
    expect(second).not.toBe(first)
  })

  test('nor can one that has guessed the end', () => {
    const { host, file } = step({ uniqueName: () => 'guessed' })
    const value = 'x\nghadelimiter_guessed\nPATH=/evil\nghadelimiter_guessed_\n'
    host.handOver(results({ variables: new Map([['A', new Secret(value)]]) }))
    expect(decodeFile(file('GITHUB_ENV'))).toEqual([['A', value]])
  })

  test('what other steps wrote stays', () => {
    const { host, base, file } = step()
    writeFileSync(join(base, 'GITHUB_ENV'), 'OTHER=1\n')
    host.handOver(results({ variables: new Map([['A', '2']]) }))
    expect(decodeFile(file('GITHUB_ENV'))).toEqual([
      ['OTHER', '1'],
      ['A', '2'],
    ])
  })

  test("git's configuration is a file that all runs share, behind what another program has exported", () => {
    const other = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' }
    const { host, file, temporary } = step({ env: other })
    host.handOver(results({ gitConfig: [['credential.helper', '']] }))
    expect(Object.fromEntries(decodeFile(file('GITHUB_ENV')))).toEqual({
      ...other,
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_1: 'include.path',
      GIT_CONFIG_VALUE_1: join(temporary, 'bitbucket-token-git/config'),
    })
  })

  test('a count without its entries, with which git would stop, is not handed on', () => {
    const { host, file } = step({ env: { GIT_CONFIG_COUNT: '1' } })
    host.handOver(results({ gitConfig: [['credential.helper', '']] }))
    const exported = Object.fromEntries(decodeFile(file('GITHUB_ENV')))
    expect(exported).toMatchObject({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'include.path' })
  })

  test('a secret among the entries of another program is hidden before they are handed on', () => {
    const { host, world, file } = step({
      env: {
        GIT_CONFIG_COUNT: '2',
        GIT_CONFIG_KEY_0: 'http.https://github.com/.extraheader',
        GIT_CONFIG_VALUE_0: 'AUTHORIZATION: basic aHVudGVyOmh1bnRlcg==',
        GIT_CONFIG_KEY_1: 'url.https://ada:hunter22@example.com/.insteadOf',
        GIT_CONFIG_VALUE_1: 'https://example.com/',
      },
    })
    host.handOver(results({ gitConfig: [['credential.helper', '']] }))
    expect(world.out().split('\n')).toEqual(
      expect.arrayContaining(['::add-mask::aHVudGVyOmh1bnRlcg==', '::add-mask::hunter22']),
    )
    expect(Object.fromEntries(decodeFile(file('GITHUB_ENV')))['GIT_CONFIG_COUNT']).toBe('3')
  })

  test('nothing to export needs no file', () => {
    const { host, file } = step({ env: { GITHUB_ENV: undefined } })
    host.handOver(results({ outputs: new Map([['scopes', 'account']]) }))
    expect(decodeFile(file('GITHUB_OUTPUT'))).toEqual([['scopes', 'account']])
  })

  test('what is kept is an output at once', () => {
    const { host, file } = step()
    expect(host.keep('refresh-token', new Secret('new one'))).toBe('the output refresh-token of this step')
    expect(decodeFile(file('GITHUB_OUTPUT'))).toEqual([['refresh-token', 'new one']])
  })

  test.each(['GITHUB_ENV', 'GITHUB_OUTPUT'])(
    '%s that is missing is the runner’s fault, with a way out',
    (variable) => {
      const { host } = step({ env: { [variable]: '' } })
      const both = results({ variables: new Map([['A', '1']]), outputs: new Map([['a', '1']]) })
      const { code, message, nextStep } = failure(() => host.handOver(both))
      expect({ code, message }).toEqual({
        code: 'host',
        message: `${variable} is not set, which GitHub promises to every step.`,
      })
      expect(nextStep).toContain('BITBUCKET_CI=shell')
    },
  )

  test('one that cannot be written is an error that does not show the value', () => {
    const { host } = step({ env: { GITHUB_ENV: '/' } })
    const { code, message, nextStep } = failure(() =>
      host.handOver(results({ variables: new Map([['A', new Secret('hunter-hunter')]]) })),
    )
    expect(code).toBe('file')
    expect(message).toContain('EISDIR')
    expect(nextStep).toBe("The runner's own file is not writable: look at the disk and at the runner.")
    expect(`${message}${nextStep}`).not.toContain('hunter')
  })
})

describe('the private directory', () => {
  test('is recorded for post before it exists', () => {
    const { temporary, base } = step()
    let seen: unknown
    const env = { RUNNER_TEMP: temporary, GITHUB_STATE: join(base, 'GITHUB_STATE') }
    let calls = 0
    const host = github(
      fakeWorld({
        env,
        uniqueName: () => {
          // The second name is the delimiter of the state: nothing has been made by then.
          if (++calls === 2) seen = readdirSync(temporary)
          return `name-${calls}`
        },
      }),
      false,
    )
    const file = host.writeSecretFile('git-credentials', new Secret('x'))
    expect(seen).toEqual([])
    expect(file).toBe(join(temporary, 'bitbucket-token-name-1', 'git-credentials'))
    expect(decodeFile(readFileSync(env.GITHUB_STATE, 'utf8'))).toEqual([
      ['bitbucket_token_directory', join(temporary, 'bitbucket-token-name-1')],
    ])
  })

  test('is not made where post could not be told of it', () => {
    const { host, temporary } = step({ env: { GITHUB_STATE: '/' } })
    expect(failure(() => host.writeSecretFile('git-credentials', new Secret('x'))).code).toBe('file')
    expect(readdirSync(temporary)).toEqual([])
  })

  test('is one for all files of a run, and another for the next run', () => {
    const { host, world, temporary, file } = step()
    const [one, two] = [
      host.writeSecretFile('a', new Secret('1')),
      host.writeSecretFile('b', new Secret('2')),
    ]
    expect(join(one, '..')).toBe(join(two, '..'))
    github(world, false).writeSecretFile('a', new Secret('3'))
    expect(readdirSync(temporary)).toHaveLength(2)
    expect(readFileSync(one, 'utf8')).toBe('1')
    expect(decodeFile(file('GITHUB_STATE'))).toHaveLength(2)
  })

  test('has no name that the clean-up of actions/checkout matches', () => {
    const { host, temporary } = step()
    host.writeSecretFile('git-credentials', new Secret('x'))
    const names = readdirSync(temporary, { recursive: true }).map(String)
    expect(names).toHaveLength(2)
    for (const name of names) expect(name).not.toMatch(/git-credentials-[0-9a-f-]+\.config$/i)
  })

  test('without RUNNER_TEMP is an error', () => {
    const { host } = step({ env: { RUNNER_TEMP: undefined } })
    const { code, message } = failure(() => host.writeSecretFile('a', new Secret('x')))
    expect(code).toBe('host')
    expect(message).toContain('RUNNER_TEMP')
  })

  test('is not made where RUNNER_TEMP names no directory', () => {
    const { base } = step()
    writeFileSync(join(base, 'file'), '')
    for (const path of [join(base, 'gone'), join(base, 'file')]) {
      const { host } = step({ env: { RUNNER_TEMP: path } })
      const { code, message, nextStep } = failure(() => host.writeSecretFile('a', new Secret('x')))
      expect(code).toBe('host')
      expect(message).toBe(`RUNNER_TEMP is ${path}, where no directory is.`)
      expect(nextStep).toMatch(/^Look at how this runner is set up/)
    }
  })

  test('goes when the run fails', () => {
    const { host, temporary } = step()
    host.discard()
    host.writeSecretFile('a', new Secret('x'))
    host.discard()
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe('post', () => {
  /** The clean-up of a step whose `main` left this state. */
  function post(
    directory: string | undefined,
    { temporary, ...given }: { temporary?: string } & Partial<World>,
  ) {
    const env = {
      STATE_bitbucket_token_main: 'started',
      STATE_bitbucket_token_directory: directory,
      RUNNER_TEMP: temporary,
    }
    const world: FakeWorld = fakeWorld({ ...given, env })
    expect(isPost(world.env)).toBe(true)
    return { status: cleanUp(world), out: world.out() }
  }

  test('is what a later process of the same step is', () => {
    const { world, file } = step()
    expect(isPost(world.env)).toBe(false)
    rememberMain(world)
    expect(decodeFile(file('GITHUB_STATE'))).toEqual([['bitbucket_token_main', 'started']])
  })

  test('removes what main made', () => {
    const { host, temporary, file } = step()
    host.writeSecretFile('git-credentials', new Secret('x'))
    const state = Object.fromEntries(decodeFile(file('GITHUB_STATE')))
    const { status, out } = post(state['bitbucket_token_directory'], { temporary })
    expect(status).toBe(0)
    expect(out).toBe('The git-credentials file was removed.\n')
    expect(readdirSync(temporary)).toEqual([])
  })

  test('is not what the state of another action says', () => {
    expect(isPost({ STATE_isPost: 'true', STATE_directory: '/tmp/x' })).toBe(false)
    expect(isPost({ STATE_bitbucket_token_directory: '/tmp/bitbucket-token-x' })).toBe(false)
  })

  test('says that a run which wrote no file left nothing to remove', () => {
    const nothing = 'There is nothing to remove: this step wrote no git-credentials file.\n'
    expect(post(undefined, { temporary: '/tmp' })).toEqual({ status: 0, out: nothing })
    expect(post('', { temporary: '/tmp' })).toEqual({ status: 0, out: nothing })
  })

  test('says that the file is gone if the run was killed before it made its directory', () => {
    const { temporary } = step()
    expect(post(join(temporary, 'bitbucket-token-x'), { temporary })).toEqual({
      status: 0,
      out: 'There is nothing to remove: the git-credentials file is already gone.\n',
    })
  })

  test.each<[string, (place: { base: string; temporary: string }) => string]>([
    ['outside the temporary directory', ({ base }) => join(base, 'bitbucket-token-x')],
    ['beside it, with the same beginning', ({ temporary }) => `${temporary}-2/bitbucket-token-x`],
    ['deeper in it', ({ temporary }) => join(temporary, 'sub', 'bitbucket-token-x')],
    ['with a name that is not ours', ({ temporary }) => join(temporary, 'other')],
    ['by a way that leads out of it', ({ temporary }) => `${temporary}/../bitbucket-token-x`],
    ['by a way that leads to another', ({ temporary }) => `${temporary}/bitbucket-token-x/../other`],
    ['the temporary directory itself', ({ temporary }) => temporary],
  ])('leaves alone what is %s', (_, pathOf) => {
    const place = step()
    const path = pathOf(place)
    mkdirSync(join(place.temporary, 'bitbucket-token-x'))
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'theirs'), '')
    const { status, out } = post(path, place)
    expect(status).toBe(0)
    expect(out).toBe(
      `::warning title=bitbucket-token::The git-credentials file was not removed: ${path} is not a directory that this action makes\n`,
    )
    expect(existsSync(join(path, 'theirs'))).toBe(true)
  })

  test('does not follow a link under our name', () => {
    const { base, temporary } = step()
    mkdirSync(join(base, 'theirs'))
    writeFileSync(join(base, 'theirs', 'file'), '')
    symlinkSync(join(base, 'theirs'), join(temporary, 'bitbucket-token-x'))
    const { status, out } = post(join(temporary, 'bitbucket-token-x'), { temporary })
    expect(status).toBe(0)
    expect(out).toMatch(/^::warning /)
    expect(readdirSync(join(base, 'theirs'))).toEqual(['file'])
  })

  test('without RUNNER_TEMP removes nothing, not even from the working directory', () => {
    const { base } = step()
    const path = join(base, 'bitbucket-token-x')
    mkdirSync(path)
    vi.spyOn(process, 'cwd').mockReturnValue(base)
    try {
      expect(post(path, { cwd: base }).status).toBe(0)
    } finally {
      vi.restoreAllMocks()
    }
    expect(existsSync(path)).toBe(true)
  })
})

describe('the directories of earlier steps', () => {
  test('are those with our names in the temporary directory of the runner', () => {
    const { host, world, temporary } = step()
    const files = [host, github(world, false)].map((use) =>
      use.writeSecretFile('git-credentials', new Secret('x')),
    )
    for (const name of ['bitbucket-token-cache-0', 'bitbucket-token-git', 'bitbucket-token-x', 'other']) {
      mkdirSync(join(temporary, name))
    }
    expect(directoriesOfEarlierSteps(world.env).toSorted()).toEqual(
      files.map((file) => dirname(file)).toSorted(),
    )
  })

  test.each([undefined, '', '/nonexistent'])('are none where that is %s', (temporary) => {
    expect(directoriesOfEarlierSteps({ RUNNER_TEMP: temporary })).toEqual([])
  })
})

describe('the log', () => {
  test.each([
    ['\t::error::x', '\t: :error::x'],
    ['see a::b ##[error]y', 'see a::b # #[error]y'],
    ['one\n\n::error::x', 'one\n\n: :error::x'],
  ])('an info %j keeps its words', (text, said) => {
    const world = fakeWorld()
    github(world, false).log.info(text)
    expect(world.out()).toBe(`${said}\n`)
  })

  const lines = [
    '::add-path::/evil',
    '  ::error::x',
    '\t::set-env name=A::b',
    'a\n::warning::x\nb',
    'a\r::notice::x',
  ]

  test.each([...lines, '\u0085::error::x', '\u00a0::error::x', 'x ##[error]y'])(
    'an info %j starts no command',
    (text) => {
      const world = fakeWorld()
      github(world, false).log.info(text)
      expect(linesOf(world.out()).filter(isCommand)).toEqual([])
      expect(world.out()).toContain(text.slice(-1))
    },
  )

  test.each(lines)('nor does a debug line that our own switch shows: %j', (text) => {
    const world = fakeWorld()
    github(world, true).log.debug(text)
    expect(linesOf(world.out()).filter(isCommand)).toEqual([])
    expect(world.out()).toMatch(/^debug: /)
  })

  test('a debug line is for those who switched it on: the runner, or us', () => {
    const said = [{}, { RUNNER_DEBUG: '1' }].map((env) =>
      [false, true].map((debug) => {
        const world = fakeWorld({ env })
        github(world, debug).log.debug('x')
        return world.out()
      }),
    )
    expect(said).toEqual([
      ['', 'debug: x\n'],
      ['::debug::x\n', 'debug: x\n'],
    ])
  })

  test('a warning and an error are annotations of one line', () => {
    const world = fakeWorld()
    const { log } = github(world, false)
    log.warning('50 %\nand more')
    log.error('a\r\nb')
    expect(world.out()).toBe(
      '::warning title=bitbucket-token::50 %25%0Aand more\n::error title=bitbucket-token::a%0Ab\n',
    )
    expect(world.err()).toBe('')
  })

  test.each([
    ['a%2Bb', '::add-mask::a%252Bb\n::add-mask::a%2Bb\n'],
    ['plain', '::add-mask::plain\n'],
    ['one\n%two', '::add-mask::one%0A%25two\n'],
    ['one\r%two', '::add-mask::one%0D%25two\n'],
  ])('%j is also masked as it is, for runners that undo no escapes', async (value, out) => {
    for (const name of ['gitea', 'forgejo'] as const) {
      const world = fakeWorld()
      const host = await openHost(name, world, { outputDir: undefined, debug: false })
      host.mask(new Secret(value))
      expect(world.out()).toBe(out)
    }
    const world = fakeWorld()
    github(world, false).mask(new Secret(value))
    expect(world.out()).toBe(out.slice(0, out.indexOf('\n') + 1))
  })

  test('a mask is one line however many the secret has', () => {
    const world = fakeWorld()
    github(world, false).mask(new Secret('one\ntwo%'))
    expect(world.out()).toBe('::add-mask::one%0Atwo%25\n')
  })

  test('says why secrets can be empty on GitHub', () => {
    expect(github(fakeWorld(), false).whyEmpty).toMatch(/fork.*Dependabot.*secrets: inherit/)
  })
})

describe('the job summary', () => {
  test('is a table in which nothing of the values is Markdown or HTML', () => {
    const { host, file } = step()
    host.summarize({
      heading: 'Bitbucket credential',
      rows: [
        ['Account', '<img src=x> | [a](b) `c` **d** ~~e~~ &amp; # ! \\'],
        ['Scopes', 'repository:write, account'],
      ],
    })
    const summary = file('GITHUB_STEP_SUMMARY')
    expect(summary).toMatch(/^### Bitbucket credential\n\n\| \| \|\n\| --- \| --- \|\n\| Account \|/)
    const row = summary.split('\n')[4] ?? ''
    expect(row.replace(/&#\d+;/g, '')).toMatch(/^\| Account \|[ \w=();]* \|$/)
    const decoded = row.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    expect(decoded).toContain('<img src=x> | [a](b) `c` **d** ~~e~~ &amp; # ! \\')
    expect(summary).toContain('| Scopes | repository:write, account |\n')
    expect(summary).toMatch(/\n\n$/)
  })

  test('is added to what other steps wrote, and left out where the runner has no place for it', () => {
    const { host, base, file } = step()
    writeFileSync(join(base, 'GITHUB_STEP_SUMMARY'), '# Build\n\n')
    host.summarize({ heading: 'H', rows: [] })
    expect(file('GITHUB_STEP_SUMMARY')).toMatch(/^# Build\n\n### H\n/)
    const without = step({ env: { GITHUB_STEP_SUMMARY: undefined } })
    without.host.summarize({ heading: 'H', rows: [] })
    expect(without.file('GITHUB_STEP_SUMMARY')).toBe('')
  })
})
