import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { innocentTree, publicTrees } from '../audit/innocent.ts'
import { secrets } from '../audit/made-up.ts'
import { planted } from '../audit/planted.ts'
import { makeTree, writeTree } from '../audit/tree.ts'
import { git } from '../support/git.ts'
import { commands } from '../support/hostile-text.ts'
import { commandsIn } from '../support/log-commands.ts'
import { type Bitbucket, startBitbucket, test } from './support/bitbucket.ts'
import { pathWithoutProject } from './support/program.ts'
import { runShell, type ShellRun } from './support/shell.ts'

// The canary of every run knows the planted secrets, so no format may show one. The planted tree is outside the directory
// that the canary searches, because these files must contain the secrets.

async function startWithSecrets(): Promise<Bitbucket> {
  const bitbucket = await startBitbucket()
  for (const [name, value] of Object.entries(secrets)) bitbucket.secrets.add(value, `planted ${name}`)
  return bitbucket
}

const audit = async (
  root: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<ShellRun> => runShell({ bitbucket: await startWithSecrets(), args: ['audit', root, ...args], env })

const plantedFiles = Object.fromEntries(planted.map(({ path, text }) => [path, text]))
const expected = planted.flatMap(({ rule, path, at }) => at.map((place) => `${rule} ${path}:${place}`)).sort()

interface JsonFinding {
  readonly rule: string
  readonly path: string
  readonly line: number
  readonly column: number
  readonly commit: string | null
}
const findingsIn = ({ stdout }: ShellRun) =>
  (JSON.parse(stdout) as { findings: JsonFinding[] }).findings.map(
    ({ rule, path, line, column }) => `${rule} ${path}:${line}:${column}`,
  )

function innocentFiles(): Record<string, string> {
  const { files, bytes } = publicTrees[0]
  return Object.fromEntries(
    [...innocentTree(11, files, bytes)].map(({ path, text }) => [`innocent/${path}`, text]),
  )
}

describe('in a tree with one planted case of each kind among innocent files,', () => {
  test('finds all of them and nothing else in a clone', async () => {
    const root = makeTree({ ...innocentFiles(), ...plantedFiles })
    git(root, 'init', '--quiet')
    git(root, 'add', '--force', '.')
    const run = await audit(root, ['--format', 'json'])
    expect(findingsIn(run).sort()).toEqual(expected)
    expect([run.stderr, run.status]).toEqual(['', 1])
  })

  test('finds the same outside a clone', async () => {
    const run = await audit(makeTree({ ...innocentFiles(), ...plantedFiles }), ['--format=json'])
    expect(findingsIn(run).sort()).toEqual(expected)
    expect(run.status).toBe(1)
  })

  test('finds the same without git', async () => {
    const run = await audit(makeTree(plantedFiles), ['--format=json'], { PATH: '/nonexistent' })
    expect(findingsIn(run).sort()).toEqual(expected)
  })

  test('reports as many in text and in SARIF', async () => {
    const root = makeTree(plantedFiles)
    const text = await audit(root)
    for (const { path, at } of planted)
      for (const place of at) expect(text.stdout).toContain(`    ${path}:${place}`)
    expect(text.stdout).toContain(`${expected.length} findings in ${planted.length} files.`)
    expect([text.stderr, text.status]).toEqual(['', 1])
    const sarif = await audit(root, ['--format', 'sarif'])
    const { runs } = JSON.parse(sarif.stdout) as { runs: { results: object[] }[] }
    expect(runs[0]?.results).toHaveLength(expected.length)
    expect(sarif.status).toBe(1)
  })

  test('finds app passwords and secrets in the history', async () => {
    const root = makeTree(plantedFiles)
    git(root, 'init', '--quiet')
    git(root, 'add', '--force', '.')
    git(root, 'commit', '--quiet', '--message', 'planted')
    const commit = git(root, 'rev-parse', 'HEAD').trim()
    git(root, 'rm', '-r', '--quiet', '.')
    writeTree(root, { 'README.md': 'Clean.\n' })
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'clean')
    const current = await audit(root)
    expect([current.stdout, current.status]).toEqual(['Nothing found in 1 file.\n', 0])
    for (const format of ['text', 'sarif'])
      expect((await audit(root, ['--history', '--format', format])).status).toBe(1)
    const run = await audit(root, ['--history', '--format=json'])
    const old = /^(?:app-password|credentials-file|secret-in-(?:url|file))/
    expect(findingsIn(run).sort()).toEqual(expected.filter((place) => old.test(place)))
    const { findings } = JSON.parse(run.stdout) as { findings: JsonFinding[] }
    for (const finding of findings) expect(finding.commit).toBe(commit)
  })
})

test('prints the whole report as text', async () => {
  const root = makeTree({
    'ci/deploy.sh':
      'curl -u "$U:$BITBUCKET_APP_PASSWORD" https://api.bitbucket.org/2.0/workspaces?pagelen=100\n',
    'example.sh': 'export BITBUCKET_APP_PASSWORD=… # bitbucket-token-audit: ignore\n',
    'logo.png': 'PNG\0',
    'secret.log': `${secrets.apiToken}\n`,
    '.gitignore': '*.log\n',
  })
  git(root, 'init', '--quiet')
  symlinkSync('ci', join(root, 'link'))
  expect((await audit(root)).stdout).toMatchInlineSnapshot(`
    "app-password-variable: A variable is used for an app password. App passwords stopped working on 2026-07-28.
      Instead: Use an Atlassian API token (email and api-token), an access token, or an OAuth client (client-id and client-secret).
      More: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#app-password-variable
        ci/deploy.sh:1:14  BITBUCKET_APP_PASSWORD
          Write: curl -H "Authorization: $BITBUCKET_AUTHORIZATION" …, or curl -u "$BITBUCKET_EMAIL:$BITBUCKET_API_TOKEN" …

    removed-endpoint: Bitbucket has removed this endpoint (CHANGE-2770 or earlier). It answers 410 or 404.
      Instead: Use the endpoint that is named next to the finding.
      More: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#removed-endpoint
        ci/deploy.sh:1:46  GET /2.0/workspaces  Instead: GET /2.0/user/workspaces.

    2 findings in 3 files. 2 errors and 0 questions. 1 finding ignored because of a comment.
    Note: Links, not followed: 1.
    Note: Binary files, not scanned: 1.
    "
  `)
})

test('scans a single file, or a directory below the working directory', async ({ bitbucket }) => {
  const tree = makeTree({
    'work/a/b.sh': 'x=$BITBUCKET_APP_PASSWORD\n',
    'work/c.sh': 'x=$BITBUCKET_APP_PASSWORD\n',
  })
  const places = async (...args: string[]) =>
    findingsIn(await runShell({ bitbucket, tree, args: ['audit', '--format=json', ...args] }))
  expect(await places('a')).toEqual(['app-password-variable a/b.sh:1:4'])
  expect(await places('a/b.sh')).toEqual(['app-password-variable a/b.sh:1:4'])
  expect((await places()).sort()).toEqual([
    'app-password-variable a/b.sh:1:4',
    'app-password-variable c.sh:1:4',
  ])
})

test('quotes unusual file names, and names files that cannot be read', async () => {
  const leak = 'x=$BITBUCKET_APP_PASSWORD\n'
  const root = makeTree({
    'line\nbreak': leak,
    '"quoted"': leak,
    [`${secrets.appPassword}.sh`]: leak,
    closed: leak,
  })
  git(root, 'init', '--quiet')
  chmodSync(join(root, 'closed'), 0o000)
  const run = await audit(root)
  expect(run.stdout).toContain('    "line\\nbreak":1:4')
  expect(run.stdout).toContain('    "\\"quoted\\"":1:4')
  expect(run.stdout).toContain('    ***.sh:1:4')
  // Root can read every file.
  if (process.getuid?.() !== 0) expect(run.stdout).toContain('Files that cannot be read: 1 (closed).')
})

// test/hostile/audit.test.ts has many more and larger cases.
describe('a hostile tree', () => {
  const leak = 'x=$BITBUCKET_APP_PASSWORD\n'

  test.each(['text', 'json', 'sarif'])(
    'cannot send commands to a CI through file names, in %s',
    async (format) => {
      const names = commands
        .map((command) => command.replaceAll('/', '').replaceAll('\0', ''))
        .filter(Boolean)
      const run = await audit(makeTree(Object.fromEntries(names.map((name) => [name, leak]))), [
        '--format',
        format,
      ])
      expect([commandsIn(run.stdout), run.stderr, run.status]).toEqual([[], '', 1])
    },
  )

  test('cannot make it read an endless .gitignore or wait for one', async () => {
    const root = makeTree({ 'a/x.sh': leak, 'b/x.sh': leak, '.gitignore': `${'a/**/'.repeat(12)}\n` })
    symlinkSync('/dev/zero', join(root, 'a/.gitignore'))
    execFileSync('mkfifo', [join(root, 'b/.gitignore')])
    git(root, 'init', '--quiet')
    const run = await audit(root)
    expect(run.stdout).toContain('2 findings in 3 files.')
    expect(run.stdout).toContain('.gitignore files that are links, not used: 1')
    expect(run.stdout).toContain('.gitignore files that are not regular files, not used: 1')
  })

  test('cannot flood the report from one file', async () => {
    const root = makeTree({ flood: '$BITBUCKET_APP_PASSWORD '.repeat(130_000), 'z.sh': leak })
    const run = await audit(root)
    expect(run.stdout).toContain('    z.sh:1:4')
    expect(run.stdout).toContain(
      '130,001 findings in 2 files.\nNote: Too many findings. Not listed: 129,000 more findings.',
    )
    expect([run.stderr, run.status]).toEqual(['', 1])
  })
})

test('warns if it scanned no file', async () => {
  const run = await audit(makeTree({ '.gitignore': '*\n', 'a.sh': '' }))
  expect(run.stderr).toMatch(/^warning: No files were scanned\./)
  expect(run.status).toBe(0)
})

test.each([
  ['text', /\nIncomplete: 1 object of the history cannot be read\./],
  ['json', /"incomplete":true\}\n$/],
  ['sarif', /"executionSuccessful":false/],
  ['gitlab', /"check_name":"app-password-variable"/],
])('exits 6 and reports what it found if the audit fails, in %s', async (format, says) => {
  const root = makeTree({ 'a.sh': 'x=$BITBUCKET_APP_PASSWORD\n', 'b.sh': '' })
  git(root, 'init', '--quiet')
  git(root, 'add', '.')
  git(root, 'commit', '--quiet', '--message', 'one')
  const blob = git(root, 'rev-parse', 'HEAD:b.sh').trim()
  const object = join(root, '.git/objects', blob.slice(0, 2), blob.slice(2))
  chmodSync(object, 0o644)
  writeFileSync(object, 'garbage')
  const run = await audit(root, ['--history', '--format', format])
  expect(run.stdout).toContain('a.sh')
  expect(run.stdout).toMatch(says)
  expect([run.stderr, run.status]).toEqual([expect.stringMatching(/^error: 1 object of the history/), 6])
})

describe('exits 2 for', () => {
  test.each([
    [
      'a path that is not there',
      ['audit', 'nowhere'],
      'The path to audit is neither a directory nor a file.',
    ],
    ['two paths', ['audit', '.', '.'], 'Too many arguments.'],
    ['another format', ['audit', '--format', 'xml'], 'Unknown format.'],
    ['a flag of another command', ['audit', '--all'], '--all does not work with audit.'],
    ['the history of no clone', ['audit', '--history'], 'Could not read the history:'],
  ])('%s', async (_, args, says) => {
    const run = await runShell({ bitbucket: await startBitbucket(), args })
    expect(run.stderr).toContain(`error: ${says}`)
    expect([run.stdout, run.status]).toEqual(['', 2])
  })
})

test.each(['audit', 'audit --history'])('a signal stops %s and its git', async (line) => {
  // This git sends a signal to its parent and never ends.
  const root = makeTree({ 'bin/git': '#!/bin/sh\nkill -TERM $PPID\nexec sleep 600\n' })
  chmodSync(join(root, 'bin/git'), 0o755)
  const run = await runShell({
    bitbucket: await startBitbucket(),
    args: [...line.split(' '), root],
    env: { PATH: `${join(root, 'bin')}:${pathWithoutProject}` },
  })
  expect([run.stdout, run.stderr, run.status]).toEqual([
    '',
    'error: A signal stopped the run before it finished.\nRun it again.\n',
    143,
  ])
})

test('its git does not get the credentials in the environment', async ({ bitbucket }) => {
  const root = makeTree({ 'bin/git': '#!/bin/sh\n/usr/bin/env > "$0.env"; exit 1\n' })
  chmodSync(join(root, 'bin/git'), 0o755)
  await runShell({
    bitbucket,
    args: ['audit', root],
    env: { PATH: join(root, 'bin'), BITBUCKET_API_TOKEN: secrets.apiToken },
  })
  expect(readFileSync(join(root, 'bin/git.env'), 'utf8')).not.toContain(secrets.apiToken)
})

describe('levels', () => {
  const question = { 'a.sh': 'curl -u "$BB_AUTH_STRING" https://api.bitbucket.org/2.0/user\n' }
  const error = { 'b.sh': 'curl -u "$U:$BITBUCKET_APP_PASSWORD" https://api.bitbucket.org/2.0/user\n' }
  const rulesIn = (run: ShellRun) => findingsIn(run).map((place) => place.split(' ')[0])

  test.each([
    ['only questions', question, [], 0, ['auth-string']],
    ['only questions, with --level question', question, ['--level', 'question'], 1, ['auth-string']],
    ['only questions, with --level error', question, ['--level', 'error'], 0, []],
    ['errors too', { ...question, ...error }, [], 1, ['auth-string', 'app-password-variable']],
    [
      'errors too, with --level error',
      { ...question, ...error },
      ['--level', 'error'],
      1,
      ['app-password-variable'],
    ],
  ])('%s', async (_, files, args, status, found) => {
    const run = await audit(makeTree(files), ['--format', 'json', ...args])
    expect(run.status).toBe(status)
    expect(rulesIn(run).sort()).toEqual([...found].sort())
  })

  test('an unknown one is a usage error', async () => {
    const run = await audit(makeTree(question), ['--level', 'warning'])
    expect(run.status).toBe(2)
    expect(run.stderr).toContain('The levels are: error, question.')
  })
})
