/**
 * What @actions/core does worse than our own code on GitHub, Gitea and Forgejo. If a test of "@actions/core" fails with a new
 * version of core, then core can replace the code that the test after it describes.
 * @module-tag process
 * @module-tag sh
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as core from '@actions/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { github } from '../../src/hosts/github.ts'
import type { Results } from '../../src/hosts/host.ts'
import { Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { decodeFile } from '../support/runner-files.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = join(import.meta.dirname, '../..')
const token = 'token-of-the-test'

afterEach(() => vi.unstubAllEnvs())

const results = (given: Partial<Results>): Results => ({
  variables: new Map(),
  outputs: new Map(),
  gitConfig: [],
  ...given,
})

/**
 * Runs a script in a shell that knows `$NODE`, and `$CORE` and `$OURS`: programs that have imported `core`, and `host` and
 * `world`, and then run `$WORK`.
 */
function shell(script: string, env: Readonly<Record<string, string>> = {}, timeout = 20_000) {
  const { stdout, stderr, signal } = spawnSync('sh', ['-c', script], {
    cwd: root,
    encoding: 'utf8',
    timeout,
    env: {
      ...process.env,
      NODE: process.execPath,
      CORE: `import * as core from '@actions/core'; eval(process.env.WORK)`,
      OURS: `
        import { github } from './src/hosts/github.ts'
        import { Secret } from './src/secret.ts'
        import { processWorld } from './src/world.ts'
        const host = github(processWorld(process, new AbortController().signal), false)
        eval(process.env.WORK)`,
      ...env,
    },
  })
  return { stdout, stderr, signal }
}

describe('if the reader of the log is slow, and the process exits', () => {
  const slowly = (program: string) => `"$NODE" --input-type=module -e "$${program}" | (sleep 0.5; wc -l)`
  const thousandTimes = (work: string) =>
    `for (let i = 0; i < 1_000; i++) ${work}('x'.repeat(1_000)); process.exit()`

  test('@actions/core loses warnings', () => {
    const { stdout } = shell(slowly('CORE'), { WORK: thousandTimes('core.warning') })
    expect(Number(stdout)).toBeLessThan(1_000)
  })

  test('ours writes them all', () => {
    const { stdout } = shell(slowly('OURS'), { WORK: thousandTimes('host.log.warning') })
    expect(Number(stdout)).toBe(1_000)
  })
})

describe('if the disk becomes full while an output is written', () => {
  const limited = (program: string) => `ulimit -f 8; "$NODE" --input-type=module -e "$${program}"`
  let file = ''
  beforeEach(() => {
    file = join(temporaryDirectory(), 'output')
    writeFileSync(file, 'other=1\n')
  })

  test('@actions/core leaves half of the value in the file', () => {
    const { stderr } = shell(limited('CORE'), {
      GITHUB_OUTPUT: file,
      WORK: `core.setOutput('access-token', 'x'.repeat(20_000))`,
    })
    expect(stderr).toContain('EFBIG')
    expect(() => decodeFile(readFileSync(file, 'utf8'))).toThrow()
    expect(readFileSync(file, 'utf8')).toContain('access-token')
  })

  test('ours leaves the file as it was', () => {
    const { stderr } = shell(limited('OURS'), {
      GITHUB_OUTPUT: file,
      WORK: `
        const outputs = new Map([['access-token', new Secret('x'.repeat(20_000))]])
        host.handOver({ variables: new Map(), outputs, gitConfig: [] })`,
    })
    expect(stderr).toContain('EFBIG')
    expect(readFileSync(file, 'utf8')).toBe('other=1\n')
  })
})

describe('if the runner has not set GITHUB_OUTPUT', () => {
  test('@actions/core prints the value', () => {
    vi.stubEnv('GITHUB_OUTPUT', undefined)
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    core.setOutput('access-token', token)
    const printed = write.mock.calls.join('')
    write.mockRestore()
    expect(printed).toContain(token)
  })

  test('ours is an error that does not show the value', () => {
    const world = fakeWorld()
    const outputs = new Map([['access-token', new Secret(token)]])
    expect(() => github(world, false).handOver(results({ outputs }))).toThrow(
      /^(?!.*token-of-the-test)GITHUB_OUTPUT is not set/,
    )
    expect(world.out()).toBe('')
  })
})

describe('a variable for later steps', () => {
  const files = () => {
    const file = join(temporaryDirectory(), 'env')
    writeFileSync(file, '')
    return file
  }

  test('is put into its own environment by @actions/core, and so into that of its children', () => {
    vi.stubEnv('BITBUCKET_ACCESS_TOKEN', undefined)
    vi.stubEnv('GITHUB_ENV', files())
    core.exportVariable('BITBUCKET_ACCESS_TOKEN', token)
    expect(process.env['BITBUCKET_ACCESS_TOKEN']).toBe(token)
  })

  test('is written only to the file by ours', () => {
    vi.stubEnv('BITBUCKET_ACCESS_TOKEN', undefined)
    const file = files()
    const variables = new Map([['BITBUCKET_ACCESS_TOKEN', new Secret(token)]])
    github(fakeWorld({ env: { GITHUB_ENV: file } }), false).handOver(results({ variables }))
    expect(decodeFile(readFileSync(file, 'utf8'))).toEqual([['BITBUCKET_ACCESS_TOKEN', token]])
    expect(process.env['BITBUCKET_ACCESS_TOKEN']).toBeUndefined()
  })
})

describe('the state of another action, which has started this program as a command', () => {
  let state = ''
  beforeEach(() => {
    state = join(temporaryDirectory(), 'state')
    writeFileSync(state, '')
    vi.stubEnv('GITHUB_STATE', state)
  })

  test('is changed by @actions/core', () => {
    core.saveState('bitbucket_token_directory', '/tmp/x')
    expect(readFileSync(state, 'utf8')).not.toBe('')
  })

  test('is not changed by ours, which does not read the environment of the process', () => {
    const temporary = temporaryDirectory()
    github(fakeWorld({ env: { RUNNER_TEMP: temporary }, uniqueName: () => 'name' }), false).writeSecretFile(
      'git-credentials',
      new Secret(token),
    )
    expect(readFileSync(state, 'utf8')).toBe('')
  })
})

describe('a value in the job summary', () => {
  const value = '<img src="https://example.com/">'

  test('is HTML with @actions/core', () => {
    const summary = core.summary.addTable([['Account', value]]).stringify()
    core.summary.emptyBuffer()
    expect(summary).toContain(value)
  })

  test('is text with ours', () => {
    const file = join(temporaryDirectory(), 'summary')
    const world = fakeWorld({ env: { GITHUB_STEP_SUMMARY: file } })
    github(world, false).summarize({ heading: 'Credential', rows: [['Account', value]] })
    expect(readFileSync(file, 'utf8')).toMatch(/Account/)
    expect(readFileSync(file, 'utf8')).not.toContain('<')
  })
})

describe('if the file of the job summary is a named pipe that nobody reads', () => {
  const onPipe = (program: string) =>
    `mkfifo "$GITHUB_STEP_SUMMARY"; exec "$NODE" --input-type=module -e "$${program}"`

  test('@actions/core waits forever', () => {
    const { signal } = shell(
      onPipe('CORE'),
      {
        GITHUB_STEP_SUMMARY: join(temporaryDirectory(), 'pipe'),
        WORK: `core.summary.addHeading('Credential').write()`,
      },
      2_000,
    )
    expect(signal).toBe('SIGTERM')
  })

  test('ours fails at once', () => {
    const { stderr } = shell(onPipe('OURS'), {
      GITHUB_STEP_SUMMARY: join(temporaryDirectory(), 'pipe'),
      WORK: `host.summarize({ heading: 'Credential', rows: [] })`,
    })
    expect(stderr).toContain('is a named pipe')
  })
})
