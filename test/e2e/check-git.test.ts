/**
 * @module-tag git
 * @module-tag dash
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { runAction, runRunStep } from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'
import { pathWithoutProject } from './support/program.ts'
import { environmentAfter, git, gitEnvironment, runShell } from './support/shell.ts'

type Variables = Readonly<Record<string, string>>

/** A shell that sourced env.sh, and its home directory. */
interface Place {
  readonly bitbucket: Bitbucket
  readonly env: Record<string, string>
  readonly tree: string
  readonly home: string
  readonly cwd: string
}

async function sourced(inputs: Variables = {}): Promise<Place> {
  const bitbucket = await startBitbucket()
  const { cwd, tree } = await runShell({ bitbucket, inputs: { ...inputsFor.consumer(bitbucket), ...inputs } })
  const all = Object.entries(await environmentAfter('. "$1/.bitbucket-token/env.sh"', cwd))
  const env = Object.fromEntries(
    all.filter(([name]) => /^(?:BITBUCKET_GIT|GIT_CONFIG_(?:COUNT|KEY|VALUE))/.test(name)),
  )
  const home = join(tree, 'home')
  mkdirSync(home)
  return { bitbucket, env, tree, home, cwd }
}

interface Report {
  readonly ok: boolean
  readonly git: {
    readonly version: string | null
    readonly url: string
    readonly configured: boolean
    readonly intact: boolean | null
    readonly problems: readonly { readonly message: string; readonly next_step: string }[]
  }
}

const basics = ({ home }: Place): Variables => ({
  GIT_CONFIG_NOSYSTEM: gitEnvironment['GIT_CONFIG_NOSYSTEM'] ?? '',
  HOME: home,
})

/** Returns what `check` reports in that shell, as JSON and as text. */
async function check(place: Place, more: Variables = {}, args: readonly string[] = []) {
  const { bitbucket, env, tree } = place
  const step = {
    bitbucket,
    tree,
    inputs: inputsFor.consumer(bitbucket),
    env: { ...basics(place), ...env, ...more },
  }
  const json = await runShell({ ...step, args: ['check', '--format', 'json', ...args] })
  const text = await runShell({ ...step, args: ['check', ...args] })
  expect([json.status, text.status]).toEqual([0, 0])
  return { report: JSON.parse(json.stdout) as Report, text: text.stdout, messages: messagesIn(json.stdout) }
}

const messagesIn = (json: string) => (JSON.parse(json) as Report).git.problems.map(({ message }) => message)

/** Makes a git that reports another version and otherwise runs the real git. */
function oldGit({ tree }: Place, version: string): string {
  const directory = join(tree, 'old')
  mkdirSync(directory)
  const script = `#!/bin/sh
    [ "$1" != version ] || { echo 'git version ${version}'; exit; }
    unset GIT_CONFIG_COUNT
    PATH='${pathWithoutProject}' exec git "$@"`
  writeFileSync(join(directory, 'git'), script)
  chmodSync(join(directory, 'git'), 0o755)
  return `${directory}:${pathWithoutProject}`
}

const global = ({ home }: Place, text: string) => writeFileSync(join(home, '.gitconfig'), text)

test('reports that git finds the credential, and the version of git', async () => {
  const place = await sourced()
  const { report, text } = await check(place, {}, ['--repository', 'sandbox/hello'])
  const version = /[\d.]+/.exec(await git(place.cwd, {}, 'version'))?.[0]
  expect(report.git).toEqual({
    version: version?.replace(/\.$/, ''),
    url: `${place.bitbucket.url}/sandbox/hello.git`,
    configured: true,
    intact: true,
    problems: [],
  })
  expect(text).toContain(`git finds it for ${place.bitbucket.url}/sandbox/hello.git`)
})

test('reports nothing on git if no run has configured it', async () => {
  const place = await sourced()
  const { report, text } = await check({ ...place, env: {} })
  expect(report.git).toMatchObject({ configured: false, intact: false, problems: [] })
  expect(text).not.toContain('git in this environment')
})

test('finds the credential of a GitHub job in the file that its steps share, and reports if the file is gone', async ({
  bitbucket,
}) => {
  const { job } = await runAction({ bitbucket })
  const env = {
    ...variablesFor(bitbucket),
    GIT_CONFIG_NOSYSTEM: '1',
    HOME: job.tree,
  }
  const step = { bitbucket, job, env, args: ['check', '--format', 'json'] }
  expect((JSON.parse((await runRunStep(step)).stdout) as Report).git).toMatchObject({
    intact: true,
    problems: [],
  })
  rmSync(join(job.temp, 'bitbucket-token-git'), { recursive: true })
  expect(messagesIn((await runRunStep(step)).stdout)).toEqual([
    `The file with the git configuration is missing: ${job.temp}/bitbucket-token-git/config.`,
  ])
})

test('with git-path, checks a configured path of the host', async () => {
  const place = await sourced({ 'git-path': 'sandbox' })
  expect((await check(place)).report.git).toMatchObject({
    url: `${place.bitbucket.url}/sandbox`,
    intact: true,
  })
  const inputs = { ...place, env: { ...place.env, BITBUCKET_GIT_PATH: 'other' } }
  expect((await check(inputs)).messages).toEqual([
    `The credential in this job is not for ${place.bitbucket.url}/other.`,
  ])
})

describe('reports that', () => {
  test('git is too old to read the entries', async () => {
    const place = await sourced()
    const { report, text, messages } = await check(place, { PATH: oldGit(place, '2.30.2') })
    expect(report.git).toMatchObject({ version: '2.30.2', intact: false })
    expect(messages).toEqual(['git 2.30.2 ignores GIT_CONFIG_COUNT, so it does not use the credential.'])
    expect(text).toMatch(/- git 2\.30\.2 ignores .* Use git 2\.31 or later/)
  })

  test('git is missing', async () => {
    const place = await sourced()
    const { report, messages } = await check(place, { PATH: place.home })
    expect(report.git).toMatchObject({ version: null, intact: null })
    expect(messages).toEqual(['git was not found on the PATH, or it does not start.'])
  })

  test('the repository here has a password in its address, and so has a netrc file', async () => {
    const place = await sourced()
    await git(place.cwd, {}, 'init', '--quiet')
    const address = place.bitbucket.url.replace('://', '://ada:stale-hunter@')
    await git(place.cwd, {}, 'remote', 'add', 'origin', `${address}/acme/website.git`)
    writeFileSync(join(place.home, '.netrc'), 'machine 127.0.0.1\nlogin ada\npassword stale-hunter\n')
    const { messages, text } = await check(place)
    expect(messages).toEqual([
      expect.stringMatching(/^remote\.origin\.url in \.git\/config contains a password/),
      expect.stringMatching(/\.netrc has an entry for 127\.0\.0\.1, which git sends first\.$/),
    ])
    expect(`${messages}${text}`).not.toContain('hunter')
  })

  test('git problems do not change the exit status, and check changes nothing', async () => {
    const place = await sourced()
    global(place, '[http]\n\textraheader = AUTHORIZATION: basic x\n')
    expect((await check(place)).report.ok).toBe(true)
  })
})
