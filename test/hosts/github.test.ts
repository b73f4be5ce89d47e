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
import {
  cleanUpInPost,
  directoriesOfEarlierSteps,
  github,
  isPost,
  rememberMain,
} from '../../src/hosts/github.ts'
import type { Results } from '../../src/hosts/host.ts'
import { openHost } from '../../src/hosts/index.ts'
import { logSafeText } from '../../src/log-safe.ts'
import { Secret } from '../../src/secret.ts'
import type { World } from '../../src/world.ts'
import { failure } from '../support/failure.ts'
import { type FakeWorld, fakeWorld } from '../support/fake-world.ts'
import {
  decodeFile,
  type FileVariable,
  fileVariables,
  isCommand,
  linesOf,
  makeStepFiles,
} from '../support/runner-files.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { anyValue } from './values.ts'

/** Creates a step of a job: the runner's files and its temporary directory. */
function step(given: Partial<World> = {}) {
  const base = temporaryDirectory()
  const temporary = join(base, 'temp')
  mkdirSync(temporary)
  const env = { RUNNER_TEMP: temporary, ...makeStepFiles(base), ...given.env }
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

describe('writes the same as @actions/core', () => {
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

  /** Returns what the official library prints. */
  function printedBy(work: () => void): string {
    printed = ''
    work()
    return printed
  }

  /** Returns what a runner reads from a file that the official library has written. */
  function writtenBy(variable: FileVariable, work: () => void): [string, string][] {
    writeFileSync(join(directory, variable), '')
    work()
    return decodeFile(readFileSync(join(directory, variable), 'utf8'))
  }

  test('to mask a secret', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const world = fakeWorld()
        github(world, false).mask(new Secret(value))
        expect(world.out()).toBe(printedBy(() => core.setSecret(value)))
      }),
      { numRuns: 300 },
    )
  })

  test('for annotations', () => {
    fc.assert(
      fc.property(anyValue, (text) => {
        const world = fakeWorld({ env: { RUNNER_DEBUG: '1' } })
        const { log } = github(world, false)
        log.warning(text)
        log.error(text)
        log.debug(text)
        const properties = { title: 'bitbucket-token' }
        const official = printedBy(() => {
          core.warning(logSafeText(text), properties)
          core.error(logSafeText(text), properties)
          core.debug(logSafeText(text))
        })
        expect(world.out()).toBe(official)
      }),
      { numRuns: 300 },
    )
  })

  test('for variables and outputs', () => {
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
            // The library also sets it in this process, where a NUL character would end the value.
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

  test('for the state by which `post` is recognized', () => {
    const { world, file } = step()
    expect(isPost(world.env)).toBe(false)
    rememberMain(world)
    expect(decodeFile(file('GITHUB_STATE'))).toEqual(
      writtenBy('GITHUB_STATE', () => core.saveState('bitbucket_token_main', 'started')),
    )
  })
})

describe('the files of a step', () => {
  test('a value cannot end its block, because nobody can guess the delimiter', () => {
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

  test('a value that contains the delimiter cannot end its block either', () => {
    const { host, file } = step({ uniqueName: () => 'guessed' })
    const value = 'x\nghadelimiter_guessed\nPATH=/evil\nghadelimiter_guessed_\n'
    host.handOver(results({ variables: new Map([['A', new Secret(value)]]) }))
    expect(decodeFile(file('GITHUB_ENV'))).toEqual([['A', value]])
  })

  test('keep what other steps wrote', () => {
    const { host, base, file } = step()
    writeFileSync(join(base, 'GITHUB_ENV'), 'OTHER=1\n')
    host.handOver(results({ variables: new Map([['A', '2']]) }))
    expect(decodeFile(file('GITHUB_ENV'))).toEqual([
      ['OTHER', '1'],
      ['A', '2'],
    ])
  })

  test("git's configuration is a file that all runs share, and comes after the entries that another program exported", () => {
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

  test('a count without its entries is not passed on, because git would fail', () => {
    const { host, file } = step({ env: { GIT_CONFIG_COUNT: '1' } })
    host.handOver(results({ gitConfig: [['credential.helper', '']] }))
    const exported = Object.fromEntries(decodeFile(file('GITHUB_ENV')))
    expect(exported).toMatchObject({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'include.path' })
  })

  test('a secret in the entries of another program is masked before they are passed on', () => {
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

  test('other entries are neither masked nor passed on if there is no entry of ours', () => {
    const { host, world, file } = step({
      env: {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.https://github.com/.extraheader',
        GIT_CONFIG_VALUE_0: 'AUTHORIZATION: basic aHVudGVyOmh1bnRlcg==',
      },
    })
    host.handOver(results({ variables: new Map([['A', '1']]) }))
    expect(world.out()).toBe('')
    expect(decodeFile(file('GITHUB_ENV'))).toEqual([['A', '1']])
  })

  test('GITHUB_ENV may be missing if there is nothing to export', () => {
    const { host, file } = step({ env: { GITHUB_ENV: undefined } })
    host.handOver(results({ outputs: new Map([['scopes', 'account']]) }))
    expect(decodeFile(file('GITHUB_OUTPUT'))).toEqual([['scopes', 'account']])
  })

  test('a kept value is an output at once', () => {
    const { host, file } = step()
    expect(host.keep('refresh-token', new Secret('new one'))).toBe('the output refresh-token of this step')
    expect(decodeFile(file('GITHUB_OUTPUT'))).toEqual([['refresh-token', 'new one']])
  })

  test.each(['GITHUB_ENV', 'GITHUB_OUTPUT'])(
    'a missing %s is an error of the runner, and the message says what to do',
    (variable) => {
      const { host } = step({ env: { [variable]: '' } })
      const both = results({ variables: new Map([['A', '1']]), outputs: new Map([['a', '1']]) })
      const { code, message, nextStep } = failure(() => host.handOver(both))
      expect({ code, message }).toEqual({
        code: 'host',
        message: `${variable} is not set, although GitHub sets it for every step.`,
      })
      expect(nextStep).toContain('BITBUCKET_CI=shell')
    },
  )

  test('a file that cannot be written is an error that does not show the value', () => {
    const { host } = step({ env: { GITHUB_ENV: '/' } })
    const variables = new Map([['A', new Secret('hunter-hunter')]])
    expect(failure(() => host.handOver(results({ variables })))).toMatchObject({
      code: 'file',
      message: expect.stringContaining('EISDIR'),
      nextStep: "Check the runner and its disk: the runner's own file is not writable.",
    })
  })
})

describe('the private directory', () => {
  test('is saved for post before it exists', () => {
    const { temporary, base } = step()
    let seen: unknown
    const env = { RUNNER_TEMP: temporary, GITHUB_STATE: join(base, 'GITHUB_STATE') }
    let calls = 0
    const host = github(
      fakeWorld({
        env,
        uniqueName: () => {
          // The second name is the delimiter in the state file. Nothing has been created by then.
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

  test('is not created if the state for post cannot be saved', () => {
    const { host, temporary } = step({ env: { GITHUB_STATE: '/' } })
    expect(failure(() => host.writeSecretFile('git-credentials', new Secret('x'))).code).toBe('file')
    expect(readdirSync(temporary)).toEqual([])
  })

  test('is the same for all files of a run, and another one for the next run', () => {
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

  test('has a name that the clean-up of actions/checkout does not match', () => {
    const { host, temporary } = step()
    host.writeSecretFile('git-credentials', new Secret('x'))
    const names = readdirSync(temporary, { recursive: true }).map(String)
    expect(names).toHaveLength(2)
    for (const name of names) expect(name).not.toMatch(/git-credentials-[0-9a-f-]+\.config$/i)
  })

  test('causes an error if RUNNER_TEMP is not set', () => {
    const { host } = step({ env: { RUNNER_TEMP: undefined } })
    const { code, message } = failure(() => host.writeSecretFile('a', new Secret('x')))
    expect(code).toBe('host')
    expect(message).toContain('RUNNER_TEMP')
  })

  test('is not created if RUNNER_TEMP is not a directory', () => {
    const { base } = step()
    writeFileSync(join(base, 'file'), '')
    symlinkSync('loop', join(base, 'loop'))
    for (const [name, problem] of [
      ['gone', 'there is no such directory'],
      ['file', 'there is no such directory'],
      ['loop', 'this user cannot reach it: ELOOP'],
    ] as const) {
      const { host } = step({ env: { RUNNER_TEMP: join(base, name) } })
      for (const work of [
        () => host.writeSecretFile('a', new Secret('x')),
        () => host.handOver(results({ gitConfig: [['credential.helper', '']] })),
      ]) {
        const { code, message, nextStep } = failure(work)
        expect(code).toBe('host')
        expect(message).toContain(`RUNNER_TEMP is ${join(base, name)}, but ${problem}`)
        expect(nextStep).toMatch(/^Check the setup of this runner/)
      }
    }
  })

  test("is removed if the run fails, and so is git's configuration", () => {
    const { host, temporary } = step()
    host.discard()
    host.writeSecretFile('a', new Secret('x'))
    host.handOver(results({ gitConfig: [['credential.helper', '']] }))
    expect(readdirSync(temporary)).toHaveLength(2)
    host.discard()
    expect(readdirSync(temporary)).toEqual([])
    step({ env: { RUNNER_TEMP: undefined } }).host.discard()
  })
})

describe('post', () => {
  /** Runs the clean-up of a step whose `main` saved this state. */
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
    return { status: cleanUpInPost(world), out: world.out() }
  }

  test('removes what main created', () => {
    const { host, temporary, file } = step()
    host.writeSecretFile('git-credentials', new Secret('x'))
    const state = Object.fromEntries(decodeFile(file('GITHUB_STATE')))
    const { status, out } = post(state['bitbucket_token_directory'], { temporary })
    expect(status).toBe(0)
    expect(out).toBe('The git-credentials file was removed.\n')
    expect(readdirSync(temporary)).toEqual([])
  })

  describe("removes git's configuration", () => {
    /** Runs `main`, then something else, then `post`. Returns the last line that `post` wrote. */
    function lastLineOfPost(between: (temporary: string) => void, given: World['env'] = {}) {
      const { host, world, temporary, file } = step()
      host.handOver(results({ gitConfig: [['credential.helper', '']] }))
      between(temporary)
      const state = decodeFile(file('GITHUB_STATE')).map(([name, value]) => [`STATE_${name}`, value])
      const later = fakeWorld({ env: { ...world.env, ...Object.fromEntries(state), ...given } })
      expect(cleanUpInPost(later)).toBe(0)
      return { said: later.out().split('\n').at(-2), left: readdirSync(temporary) }
    }
    const nothingToRemove = 'There is nothing to remove: this step wrote no git-credentials file.'

    test('and says so', () => {
      expect(lastLineOfPost(() => {})).toEqual({ said: "git's configuration was removed.", left: [] })
    })

    test('but says nothing if another run has removed it', () => {
      const remove = (temporary: string) =>
        rmSync(join(temporary, 'bitbucket-token-git'), { recursive: true })
      expect(lastLineOfPost(remove)).toEqual({ said: nothingToRemove, left: [] })
    })

    const damage = (temporary: string) => {
      rmSync(join(temporary, 'bitbucket-token-git/config'))
      mkdirSync(join(temporary, 'bitbucket-token-git/config'))
    }

    test.each(['RUNNER_TEMP', 'STATE_bitbucket_token_git_config'])('but does not try without %s', (name) => {
      expect(lastLineOfPost(damage, { [name]: undefined }).said).toBe(nothingToRemove)
    })

    test('or warns if that fails', () => {
      const { said } = lastLineOfPost(damage)
      expect(said).toMatch(/^::warning title=bitbucket-token::Could not change the git configuration in /)
    })
  })

  test('is not recognized by the state of another action', () => {
    expect(isPost({ STATE_isPost: 'true', STATE_directory: '/tmp/x' })).toBe(false)
    expect(isPost({ STATE_bitbucket_token_directory: '/tmp/bitbucket-token-x' })).toBe(false)
  })

  test('says that there is nothing to remove if the run wrote no file', () => {
    const nothing = 'There is nothing to remove: this step wrote no git-credentials file.\n'
    expect(post(undefined, { temporary: '/tmp' })).toEqual({ status: 0, out: nothing })
    expect(post('', { temporary: '/tmp' })).toEqual({ status: 0, out: nothing })
  })

  test('says that the file is gone if the run was killed before it created its directory', () => {
    const { temporary } = step()
    expect(post(join(temporary, 'bitbucket-token-x'), { temporary })).toEqual({
      status: 0,
      out: 'There is nothing to remove: the git-credentials file is already gone.\n',
    })
  })

  test.each<[string, (place: { base: string; temporary: string }) => string]>([
    ['outside the temporary directory', ({ base }) => join(base, 'bitbucket-token-x')],
    ['next to it, with the same prefix', ({ temporary }) => `${temporary}-2/bitbucket-token-x`],
    ['in a subdirectory of it', ({ temporary }) => join(temporary, 'sub', 'bitbucket-token-x')],
    ['with a name that is not ours', ({ temporary }) => join(temporary, 'other')],
    ['outside of it, through `..`', ({ temporary }) => `${temporary}/../bitbucket-token-x`],
    ['another directory in it, through `..`', ({ temporary }) => `${temporary}/bitbucket-token-x/../other`],
    ['the temporary directory itself', ({ temporary }) => temporary],
  ])('does not remove a directory that is %s', (_, pathOf) => {
    const place = step()
    const path = pathOf(place)
    mkdirSync(join(place.temporary, 'bitbucket-token-x'))
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'theirs'), '')
    const { status, out } = post(path, place)
    expect(status).toBe(0)
    expect(out).toBe(
      `::warning title=bitbucket-token::The git-credentials file was not removed: ${path} is not a directory that this action creates\n`,
    )
    expect(existsSync(join(path, 'theirs'))).toBe(true)
  })

  test('does not follow a link that has our prefix', () => {
    const { base, temporary } = step()
    mkdirSync(join(base, 'theirs'))
    writeFileSync(join(base, 'theirs', 'file'), '')
    symlinkSync(join(base, 'theirs'), join(temporary, 'bitbucket-token-x'))
    const { status, out } = post(join(temporary, 'bitbucket-token-x'), { temporary })
    expect(status).toBe(0)
    expect(out).toMatch(/^::warning /)
    expect(readdirSync(join(base, 'theirs'))).toEqual(['file'])
  })

  test('removes nothing if RUNNER_TEMP is not set, not even from the working directory', () => {
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
  test('are those with our prefix and a UUID in the temporary directory of the runner', () => {
    const { host, world, temporary } = step()
    const files = [host, github(world, false)].map((use) =>
      use.writeSecretFile('git-credentials', new Secret('x')),
    )
    const uuid = crypto.randomUUID()
    for (const ending of ['cache-0', 'git', 'x', `x${uuid}`, `${uuid}x`])
      mkdirSync(join(temporary, `bitbucket-token-${ending}`))
    mkdirSync(join(temporary, 'other'))
    expect(directoriesOfEarlierSteps(world.env).toSorted()).toEqual(
      files.map((file) => dirname(file)).toSorted(),
    )
  })

  test.each([undefined, '', '/nonexistent'])('are none if RUNNER_TEMP is %s', (temporary) => {
    expect(directoriesOfEarlierSteps({ RUNNER_TEMP: temporary })).toEqual([])
  })
})

describe('the log', () => {
  test.each([
    ['\t::error::x', '\t: :error::x'],
    ['see a::b ##[error]y', 'see a::b # #[error]y'],
    ['one\n\n::error::x', 'one\n\n: :error::x'],
  ])('an info line keeps its words: %j', (text, said) => {
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
    'an info line is not a command: %j',
    (text) => {
      const world = fakeWorld()
      github(world, false).log.info(text)
      expect(linesOf(world.out()).filter(isCommand)).toEqual([])
      expect(world.out()).toContain(text.slice(-1))
    },
  )

  test.each(lines)('a debug line that our own switch shows is not a command: %j', (text) => {
    const world = fakeWorld()
    github(world, true).log.debug(text)
    expect(linesOf(world.out()).filter(isCommand)).toEqual([])
    expect(world.out()).toMatch(/^debug: /)
  })

  test('a debug line appears only if the runner or our own switch asks for it', () => {
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

  test('a warning and an error are annotations in one line', () => {
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
  ])(
    '%j is also masked without escapes for Gitea and Forgejo, whose runners do not unescape',
    async (value, out) => {
      for (const name of ['gitea', 'forgejo'] as const) {
        const world = fakeWorld()
        const host = await openHost(name, world, { outputDir: undefined, debug: false })
        host.mask(new Secret(value))
        expect(world.out()).toBe(out)
      }
      const world = fakeWorld()
      github(world, false).mask(new Secret(value))
      expect(world.out()).toBe(out.slice(0, out.indexOf('\n') + 1))
    },
  )

  test('can mask, and says why secrets can be empty on GitHub', () => {
    expect(github(fakeWorld(), false).canMask()).toBe(true)
    expect(github(fakeWorld(), false).emptySecretHint).toMatch(/fork.*Dependabot.*secrets: inherit/)
  })
})

describe('the job summary', () => {
  test('is a table whose values are neither Markdown nor HTML', () => {
    const { host, file } = step()
    host.summarize({
      heading: 'Bitbucket credential',
      rows: [
        ['Account', '<img src=x> | [a](b) `c` **d** ~~e~~ &amp; # ! \\'],
        ['Scopes', 'repository:write, account'],
        ['Lines', 'a\nb\r\nc\rd'],
      ],
    })
    const summary = file('GITHUB_STEP_SUMMARY')
    expect(summary).toMatch(/^### Bitbucket credential\n\n\| \| \|\n\| --- \| --- \|\n\| Account \|/)
    const row = summary.split('\n')[4] ?? ''
    expect(row.replace(/&#\d+;/g, '')).toMatch(/^\| Account \|[ \w=();]* \|$/)
    const decoded = row.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    expect(decoded).toContain('<img src=x> | [a](b) `c` **d** ~~e~~ &amp; # ! \\')
    expect(summary).toContain('| Scopes | repository:write, account |\n| Lines | a<br>b<br>c<br>d |\n')
    expect(summary).toMatch(/\n\n$/)
  })

  test('is appended to what other steps wrote, and left out if the runner has no file for it', () => {
    const { host, base, file } = step()
    writeFileSync(join(base, 'GITHUB_STEP_SUMMARY'), '# Build\n\n')
    host.summarize({ heading: 'H', rows: [] })
    expect(file('GITHUB_STEP_SUMMARY')).toMatch(/^# Build\n\n### H\n/)
    const without = step({ env: { GITHUB_STEP_SUMMARY: undefined } })
    without.host.summarize({ heading: 'H', rows: [] })
    expect(without.file('GITHUB_STEP_SUMMARY')).toBe('')
  })
})
