import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { makeTree } from '../audit/tree.ts'
import { commands } from '../support/hostile-text.ts'
import { commandsIn } from '../support/log-commands.ts'
import { loopback } from '../support/loopback.ts'
import { run } from './run.ts'

// Whatever a server answers and whatever the environment holds, no output line may be a command for any CI, except the
// commands that this program itself sends to its CI.

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

/** The answers of the token endpoint and of the REST API. */
const servers: Readonly<Record<string, readonly [Answer, Answer]>> = {
  'refuses the consumer': [
    { status: 400, body: { error: all, error_description: all } },
    { status: 500, body: all },
  ],
  'refuses the token': [
    token,
    { status: 401, body: { type: 'error', error: { message: all, detail: all } } },
  ],
  'returns an account': [
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
  'reports missing scopes': [
    token,
    {
      status: 403,
      body: { type: 'error', error: { message: all, detail: { granted: [all], required: [all] } } },
      headers: { 'x-oauth-scopes': inHeader },
    },
  ],
  'redirects to another host': [
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
  const { url } = await loopback((response) => {
    const { status, body, headers = {} } = response.req.url?.startsWith('/site/') ? endpoint : rest
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  return url.origin
}

const stdin = 'protocol=https\nhost=##vso[task.complete]x\n\n'

function expectInert(output: string, own: RegExp): void {
  tried++
  gotThrough++
  expect(commandsIn(output.replace(own, 'own: '))).toEqual([])
  gotThrough--
}

describe.each(Object.keys(servers))('a server that %s', (server) => {
  test.each(Object.keys(cis))('cannot send a command to %s', async (ci) => {
    const url = await start(servers[server] as readonly [Answer, Answer])
    const { env, own } = cis[ci] as { env: Record<string, string>; own: RegExp }
    const cwd = makeTree({ 'temp/x': '', env: '', output: '', state: '', summary: '' })
    for (const args of Object.values(runs)) {
      const { text } = await run(args, {
        cwd,
        stdin: `protocol=http\nhost=${new URL(url).host}\npath=${commands[0]}\n\n`,
        env: {
          HOME: cwd,
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
      })
      expect(text).not.toBe('')
      expectInert(text, own)
    }
  })
})

const hostile = [
  '##vso[task.complete result=Succeeded]x',
  '::set-output name=a::b',
  '##[group]\n::error::x',
  all,
]

describe('a variable with commands does not send them to the CI:', () => {
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
        const { text } = await run(args, {
          cwd,
          stdin,
          env: {
            HOME: cwd,
            BITBUCKET_CLIENT_ID: 'id',
            BITBUCKET_CLIENT_SECRET: 'a-secret-of-many-characters',
            BITBUCKET_URL: 'http://127.0.0.1:1',
            BITBUCKET_API_URL: 'http://127.0.0.1:1',
            BITBUCKET_RETRIES: '0',
            ...env,
            [variable]: value.replaceAll('\0', ''),
          },
        })
        expectInert(text, own)
      }
    }
  })

  test.each(hostile.map((text) => [text]))('an argument does not send them to the CI: %j', async (text) => {
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
      const { text: output } = await run(args, { cwd, env: { HOME: cwd }, stdin })
      expectInert(output, /(?!)/g)
    }
  })
})
