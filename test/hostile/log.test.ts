import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeTree } from '../audit/tree.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { commands } from '../support/hostile-text.ts'
import { commandsIn } from '../support/log-commands.ts'

// Whatever a server answers and whatever the environment holds: no line of any output is a command for any CI, but those by
// which this program itself speaks to the CI that it is on.

const all = commands.join('\n')
const inHeader = all.replace(/[^\x20-\x7e]/g, ' ')

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

const token: Answer = {
  status: 200,
  body: {
    access_token: 'a-token-of-many-characters-0123456789',
    token_type: 'bearer',
    expires_in: 7200,
    scopes: all,
  },
}

/** What the token endpoint answers, and what the REST API does. */
const servers: Readonly<Record<string, readonly [Answer, Answer]>> = {
  'refuses the consumer': [
    { status: 400, body: { error: all, error_description: all } },
    { status: 500, body: all },
  ],
  'refuses the token': [
    token,
    { status: 401, body: { type: 'error', error: { message: all, detail: all } } },
  ],
  'names a person': [
    token,
    {
      status: 200,
      body: { display_name: all, type: all, account_id: all },
      headers: {
        'x-oauth-scopes': inHeader,
        'x-accepted-oauth-scopes': inHeader,
        'x-credential-type': inHeader,
      },
    },
  ],
  'speaks of scopes': [
    token,
    {
      status: 403,
      body: { type: 'error', error: { message: all, detail: { granted: [all], required: [all] } } },
      headers: { 'x-oauth-scopes': inHeader },
    },
  ],
  'leads elsewhere': [
    { status: 302, body: all, headers: { location: `https://evil.example/${encodeURI(inHeader)}` } },
    { status: 302, body: all, headers: { location: '//##vso[task.complete]' } },
  ],
}

const cis: Readonly<Record<string, { readonly env: Record<string, string>; readonly own: RegExp }>> = {
  github: {
    env: { GITHUB_ACTIONS: 'true' },
    own: /^::(?:add-mask::.*$|(?:warning|error) title=bitbucket-token::|debug::)/gm,
  },
  azure: {
    env: { TF_BUILD: 'True', SYSTEM_DEBUG: 'true' },
    own: /^##vso\[task\.(?:setsecret\]|setvariable variable=[A-Z\d_]+;issecret=(?:true|false)\]|logissue type=(?:warning|error)\]|debug\])/gm,
  },
  teamcity: {
    env: { TEAMCITY_VERSION: '1' },
    own: /^##teamcity\[(?:message text='|setParameter name='env)/gm,
  },
  buildkite: { env: { BUILDKITE: 'true' }, own: /(?!)/g },
  gitlab: { env: { GITLAB_CI: 'true' }, own: /(?!)/g },
  none: { env: {}, own: /(?!)/g },
}

const runs: Readonly<Record<string, readonly string[]>> = {
  acquire: ['acquire'],
  check: ['check'],
  'check --format json': ['check', '--format', 'json'],
  'print --format json': ['print', '--format', 'json'],
  'git-credential': ['git-credential', 'get'],
}

let tried = 0
let gotThrough = 0
afterAll(() => console.log(`log, hostile texts: ${tried} tried, ${gotThrough} got through`))

async function start([endpoint, rest]: readonly [Answer, Answer]): Promise<string> {
  const server = createServer((request, response) => {
    const { status, body, headers = {} } = request.url?.startsWith('/site/') ? endpoint : rest
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function run(
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
  asked = 'protocol=https\nhost=##vso[task.complete]x\n\n',
): Promise<string> {
  const child = spawn(process.execPath, [bundle, ...args], {
    cwd,
    env: { PATH: pathWithoutProject, HOME: cwd, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => {}).end(asked)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => child.once('close', () => resolve(output)))
}

function expectInert(output: string, own: RegExp): void {
  tried++
  gotThrough++
  expect(commandsIn(output.replace(own, 'own: '))).toEqual([])
  gotThrough--
}

describe.each(Object.keys(servers))('a server that %s', (server) => {
  test.each(Object.keys(cis))('says nothing to %s', async (ci) => {
    const url = await start(servers[server] as readonly [Answer, Answer])
    const { env, own } = cis[ci] as { env: Record<string, string>; own: RegExp }
    const cwd = makeTree({ 'temp/x': '', env: '', output: '', state: '', summary: '' })
    for (const args of Object.values(runs)) {
      const output = await run(
        args,
        {
          ...env,
          RUNNER_TEMP: join(cwd, 'temp'),
          GITHUB_ENV: join(cwd, 'env'),
          GITHUB_OUTPUT: join(cwd, 'output'),
          GITHUB_STEP_SUMMARY: join(cwd, 'summary'),
          BITBUCKET_CLIENT_ID: 'id',
          BITBUCKET_CLIENT_SECRET: 'a-secret-of-many-characters',
          BITBUCKET_URL: url,
          BITBUCKET_API_URL: url,
          BITBUCKET_RETRIES: '0',
          BITBUCKET_VERIFY: 'true',
          BITBUCKET_DEBUG: 'true',
        },
        cwd,
        `protocol=http\nhost=${new URL(url).host}\npath=${commands[0]}\n\n`,
      )
      expect(output).not.toBe('')
      expectInert(output, own)
    }
  })
})

const hostile = [
  '##vso[task.complete result=Succeeded]x',
  '::set-output name=a::b',
  '##[group]\n::error::x',
  all,
]

describe('an environment full of commands says nothing:', () => {
  const variables = [
    ...[
      'BITBUCKET_URL',
      'BITBUCKET_API_URL',
      'BITBUCKET_OUTPUT_DIR',
      'BITBUCKET_REPOSITORY',
      'BITBUCKET_SCOPES',
    ],
    ...[
      'BITBUCKET_GRANT',
      'BITBUCKET_CI',
      'BITBUCKET_SAVE_REFRESH_TOKEN',
      'BITBUCKET_TIMEOUT',
      'BITBUCKET_EMAIL',
    ],
    ...['BITBUCKET_GIT_PATH', 'BITBUCKET_VERIFY', 'HTTPS_PROXY', 'RUNNER_TEMP', 'GITHUB_ENV'],
  ]
  test.each(variables)('%s', async (variable) => {
    const cwd = makeTree({ a: '' })
    for (const [index, value] of hostile.entries()) {
      for (const ci of ['github', 'azure', 'none']) {
        const { env, own } = cis[ci] as { env: Record<string, string>; own: RegExp }
        const args = Object.values(runs)[(index + ci.length) % 5] ?? []
        const output = await run(
          args,
          {
            BITBUCKET_CLIENT_ID: 'id',
            BITBUCKET_CLIENT_SECRET: 'a-secret-of-many-characters',
            BITBUCKET_URL: 'http://127.0.0.1:1',
            BITBUCKET_API_URL: 'http://127.0.0.1:1',
            BITBUCKET_RETRIES: '0',
            ...env,
            [variable]: value.replaceAll('\0', ''),
          },
          cwd,
        )
        expectInert(output, own)
      }
    }
  })

  test.each(hostile.map((text) => [text]))('nor do arguments: %j', async (text) => {
    const cwd = makeTree({ a: '' })
    const argument = text.replaceAll('\0', '')
    for (const args of [
      [argument],
      ['check', argument],
      ['audit', argument],
      [`--${argument}`],
      ['check', '--format', argument],
      ['sandbox', '--', `./${argument}`],
      ['git-credential', argument],
    ]) {
      const output = await run(args, {}, cwd)
      expectInert(output, /(?!)/g)
    }
  })
})
