import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { makeTree } from '../e2e/support/run.ts'
import { closedPort } from '../support/loopback.ts'
import { run } from './run.ts'
import { hostile } from './table.ts'

// Variables hold branch names, commit messages and values from whoever started the job. None may become a CI command.

const src = join(import.meta.dirname, '../../src')

/** Every variable that a source file names. */
const named = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => [
    ...readFileSync(join(src, path), 'utf8').matchAll(/(?:env\[|has\(|env, )'([A-Za-z_]+)'/g),
  ])
  .map(([, name = '']) => name)

const variables = [
  ...new Set([
    ...named,
    ...inputNames.map(variableOf),
    ...inputNames.map((name) => `INPUT_${name.toUpperCase()}`),
    'HOME',
    'TMPDIR',
    'LANG',
    'HTTP_PROXY',
    'NO_PROXY',
  ]),
].filter((name) => !['PATH', 'NODE_OPTIONS', 'NODE_DEBUG'].includes(name))

const commands = [
  '::pwned name=x::y',
  '##vso[pwned.x]y',
  '##[pwned]y',
  "##teamcity[pwned 'y']",
  '::pwned::',
  '\u001b]0;pwned\u0007',
]

/** Ways to put a command where a CI might look for one. */
const hidings: readonly ((command: string) => string)[] = [
  (command) => command,
  (command) => `a\n${command}`,
  (command) => `a\r${command}`,
  (command) => `a\r\n  ${command}\r\nb`,
  (command) => `a\u2028${command}`,
  (command) => `a\u0085${command}`,
  (command) => `a%0A${command}`,
  (command) => `https://${command}`,
  (command) => `file:/tmp/x\n${command}`,
  (command) => `acme/${command}\n${command}`,
]

/** Matches a command: GitHub and similar CIs read them at the start of a line, the others anywhere in it. */
const isCommand =
  /(^|[\n\r\u0085\u2028\u2029])[^\S\n]*::pwned|##vso\[pwned|##\[pwned|##teamcity\[pwned|\u001b\]0;pwned/

/** Removes masks, because a mask is a command that contains the secret itself, up to the end of its line. */
const withoutMasks = (text: string): string =>
  text.replace(/^(?:::add-mask::|##vso\[task\.setsecret\])[^\r\n]*$/gm, '')

const roles = [
  { args: ['acquire'], env: {} },
  { args: ['--dry-run'], env: {} },
  { args: ['print'], env: {} },
  { args: ['check'], env: {} },
  { args: ['cleanup'], env: {} },
  { args: ['git-credential', 'get'], env: {} },
  { args: ['audit', '.'], env: {} },
  { args: ['acquire'], env: { TF_BUILD: 'True' } },
  { args: ['acquire'], env: { TEAMCITY_VERSION: '2026.1' } },
  { args: ['acquire'], env: { GITHUB_ACTIONS: 'true' } },
  { args: [], env: { GITHUB_ACTIONS: 'true', 'INPUT_CONFIGURE-GIT': 'true', 'INPUT_EXPORT-ENV': 'true' } },
]

const environment = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...variables), fc.constantFrom(...commands), fc.constantFrom(...hidings)),
  { minLength: 1, maxLength: 6, selector: ([name]) => name },
)

const seed = Number(process.env['SEED'] ?? 20_261_127)
const each = process.env['HOSTILE'] === 'all' ? 60 : 8

hostile(
  roles.flatMap(({ args, env }, role) =>
    fc.sample(environment, { seed: seed + role, numRuns: each }).map((chosen, number) => ({
      kind: 'a CI command from a variable',
      name: `${args.join(' ') || 'the action'} ${Object.keys(env).join()} ${number}: ${chosen.map(([name]) => name).join(', ')}`,
      attempt: async () => {
        const cwd = makeTree()
        const { text } = await run(args, {
          cwd,
          stdin: 'protocol=https\nhost=bitbucket.org\n\n',
          env: {
            RUNNER_TEMP: cwd,
            BITBUCKET_CLIENT_ID: 'the-client',
            BITBUCKET_CLIENT_SECRET: 'uTHbNYGSp5ShOSz5cJxF',
            BITBUCKET_RETRIES: '0',
            ...env,
            ...Object.fromEntries(chosen.map(([name, command, hide]) => [name, hide(command)])),
            // The proxy is closed, so no request leaves the machine.
            HTTPS_PROXY: `http://127.0.0.1:${await closedPort()}`,
            https_proxy: '',
          },
        })
        return isCommand.test(withoutMasks(text)) ? text : undefined
      },
    })),
  ),
)
