import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asVariables, type Bitbucket, inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { makeTree } from '../e2e/support/run.ts'
import { secretsIn } from '../e2e/support/secrets.ts'
import { run } from './run.ts'
import { combinations, hostile } from './table.ts'

// These settings make Node write down its requests, its environment, or the keys that decrypt both.

/** The Node of the tests and the system's, which is another version on CI. */
const nodes = ['/usr/bin/node', process.execPath].filter((path) => existsSync(path))

/** The inputs of each command: `with:` in an action, variables elsewhere. */
const roles: Readonly<
  Record<string, (bitbucket: Bitbucket, tree: string) => { args: string[]; env: Record<string, string> }>
> = {
  print: (bitbucket) => ({ args: ['print'], env: asVariables(inputsFor.consumer(bitbucket)) }),
  acquire: (bitbucket) => ({ args: [], env: asVariables(inputsFor.refreshToken(bitbucket)) }),
  check: (bitbucket) => ({ args: ['check'], env: asVariables(inputsFor.apiToken(bitbucket)) }),
  'git-credential': (bitbucket) => ({
    args: ['git-credential', 'get'],
    env: asVariables(inputsFor.consumer(bitbucket)),
  }),
  'the action': ({ credentials }, tree) => ({
    args: [],
    env: {
      GITHUB_ACTIONS: 'true',
      'INPUT_CLIENT-ID': credentials.clientId,
      'INPUT_CLIENT-SECRET': credentials.clientSecret,
      'INPUT_CONFIGURE-GIT': 'true',
      'INPUT_GIT-CREDENTIALS': 'true',
      'INPUT_EXPORT-ENV': 'true',
      RUNNER_TEMP: tree,
      ...Object.fromEntries(
        ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => [
          name,
          join(tree, name),
        ]),
      ),
    },
  }),
}

const sections = [
  'http',
  'https',
  'net',
  'tls',
  'stream',
  'child_process',
  'http,net,tls,https,stream',
  '*',
  'HTTP',
  'n*',
  'undici,fs,h*s',
  ' http,net',
]

/** Lists the secrets in the output. Masks are left out because they must name the secret. */
const shown = (text: string, { secrets }: Bitbucket): string[] =>
  secretsIn(
    text
      .split('\n')
      .filter((line) => !line.startsWith('::add-mask::'))
      .join('\n'),
    secrets,
  )

async function play(node: string, role: string, settings: Record<string, string>) {
  const bitbucket = await startBitbucket()
  const tree = makeTree()
  const given = roles[role]?.(bitbucket, tree)
  if (given === undefined) throw new Error(role)
  const { clientSecret, refreshToken, apiToken } = bitbucket.credentials
  for (const secret of [clientSecret, refreshToken, apiToken]) bitbucket.secrets.add(secret, 'a given secret')
  const address = {
    BITBUCKET_URL: bitbucket.url,
    BITBUCKET_API_URL: bitbucket.apiUrl,
    INPUT_URL: bitbucket.url,
    'INPUT_API-URL': bitbucket.apiUrl,
  }
  const ended = await run(given.args, {
    node,
    cwd: tree,
    env: { ...address, ...given.env, ...settings },
    stdin: 'protocol=http\nhost=example.com\n\n',
  })
  return { ...ended, bitbucket, tree }
}

hostile([
  ...combinations(nodes, combinations(Object.keys(roles), sections)).map(([node, [role, section]]) => ({
    kind: "a secret in node's own debug output",
    name: `NODE_DEBUG=${section}, ${role}, ${node.includes('node_modules') ? 'node of the tests' : "the system's node"}`,
    attempt: async () => {
      const { status, text, bitbucket } = await play(node, role, { NODE_DEBUG: section })
      const found = shown(text, bitbucket)
      if (found.length > 0) return found.join()
      if (bitbucket.requests.length > 0) return 'it was sent'
      return status === 2 && /NODE_DEBUG=\S+ would make node print your secrets/.test(text)
        ? undefined
        : `${status}: ${text}`
    },
  })),
  ...Object.keys(roles).map((role) => ({
    kind: 'the TLS keys in a file',
    name: role,
    attempt: async () => {
      const keys = join(makeTree(), 'keys')
      const { status, text, bitbucket } = await play(process.execPath, role, {
        NODE_OPTIONS: `--tls-keylog=${keys}`,
      })
      return status === 2 && bitbucket.requests.length === 0 ? undefined : `${status}: ${text}`
    },
  })),
  ...['myapp', 'tunnel', 'httpx', 'module'].map((section) => ({
    kind: 'a harmless debug setting that is refused',
    name: section,
    attempt: async () => {
      const { status, text } = await play(process.execPath, 'acquire', { NODE_DEBUG: section })
      return status === 0 ? undefined : text
    },
  })),
  ...['--report-uncaught-exception', '--report-on-fatalerror', '--report-on-signal'].map((option) => ({
    kind: 'the environment in a diagnostic report',
    name: option,
    attempt: async () => {
      const bitbucket = await startBitbucket()
      const tree = makeTree()
      // The program waits for an answer when the first signal comes, and the second signal ends it.
      bitbucket.script((_req, _res) => {
        child.kill('SIGUSR2')
        setTimeout(() => child.kill('SIGTERM'), 300)
      })
      const child = spawn(process.execPath, [bundle, 'print'], {
        cwd: tree,
        env: {
          PATH: pathWithoutProject,
          BITBUCKET_URL: bitbucket.url,
          ...asVariables(inputsFor.consumer(bitbucket)),
          NODE_OPTIONS: option,
        },
        stdio: 'ignore',
      })
      await new Promise((resolve) => child.once('close', resolve))
      const reports = readdirSync(tree).map((name) => readFileSync(join(tree, name), 'utf8'))
      return reports.some((report) => report.includes(bitbucket.credentials.clientSecret))
        ? 'a report'
        : undefined
    },
  })),
])
