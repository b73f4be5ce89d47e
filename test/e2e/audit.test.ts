import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { innocentTree, publicTrees } from '../audit/innocent.ts'
import { secrets } from '../audit/made-up.ts'
import { planted } from '../audit/planted.ts'
import { makeTree, writeTree } from '../audit/tree.ts'
import { git } from '../support/git.ts'
import { commands } from '../support/hostile-text.ts'
import { commandsIn } from '../support/log-commands.ts'
import { type Bitbucket, startBitbucket } from './support/bitbucket.ts'
import { pathWithoutProject } from './support/program.ts'
import { runShell, type ShellRun } from './support/shell.ts'

// The canary of every run knows the planted secrets: none may show, in any format. The planted tree is not below the
// directory that it looks at, for those files must hold them.

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

describe('a tree with one planted case of each kind among innocent files', () => {
  test('in a clone: all of them and nothing else', async () => {
    const root = makeTree({ ...innocentFiles(), ...plantedFiles })
    git(root, 'init', '--quiet')
    git(root, 'add', '--force', '.')
    const run = await audit(root, ['--format', 'json'])
    expect(findingsIn(run).sort()).toEqual(expected)
    expect([run.stderr, run.status]).toEqual(['', 1])
  })

  test('outside of one: the same', async () => {
    const run = await audit(makeTree({ ...innocentFiles(), ...plantedFiles }), ['--format=json'])
    expect(findingsIn(run).sort()).toEqual(expected)
    expect(run.status).toBe(1)
  })

  test('where there is no git at all: the same', async () => {
    const run = await audit(makeTree(plantedFiles), ['--format=json'], { PATH: '/nonexistent' })
    expect(findingsIn(run).sort()).toEqual(expected)
  })

  test('in text and in SARIF: as many', async () => {
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

  test('in the history: what is an app password or a secret', async () => {
    const root = makeTree(plantedFiles)
    git(root, 'init', '--quiet')
    git(root, 'add', '--force', '.')
    git(root, 'commit', '--quiet', '--message', 'planted')
    const commit = git(root, 'rev-parse', 'HEAD').trim()
    git(root, 'rm', '-r', '--quiet', '.')
    writeTree(root, { 'README.md': 'Clean.\n' })
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'clean')
    const today = await audit(root)
    expect([today.stdout, today.status]).toEqual(['Nothing found in 1 file.\n', 0])
    for (const format of ['text', 'sarif'])
      expect((await audit(root, ['--history', '--format', format])).status).toBe(1)
    const run = await audit(root, ['--history', '--format=json'])
    const old = /^(?:app-password|credentials-file|secret-)/
    expect(findingsIn(run).sort()).toEqual(expected.filter((place) => old.test(place)))
    const { findings } = JSON.parse(run.stdout) as { findings: JsonFinding[] }
    for (const finding of findings) expect(finding.commit).toBe(commit)
  })
})

test('the whole answer, as a person reads it', async () => {
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
    "app-password-variable: A variable for an app password. App passwords ended on 2026-07-28.
      Instead: An Atlassian API token (email and api-token), an access token, or an OAuth consumer (client-id and client-secret).
      More: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#app-password-variable
        ci/deploy.sh:1:14  BITBUCKET_APP_PASSWORD

    removed-endpoint: An endpoint that Bitbucket has removed (CHANGE-2770 and before): it answers 410 or 404.
      Instead: The endpoint named beside each.
      More: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#removed-endpoint
        ci/deploy.sh:1:46  GET /2.0/workspaces  Instead: GET /2.0/user/workspaces.

    2 findings in 3 files. 1 finding left out, as a comment beside it says.
    Note: Links, not followed: 1.
    Note: Binary files, not looked at: 1.
    "
  `)
})

test('a file alone, and a directory below the working directory', async () => {
  const bitbucket = await startBitbucket()
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

test('names of every sort, and what cannot be read', async () => {
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
  // Root reads everything.
  if (process.getuid?.() !== 0) expect(run.stdout).toContain('Files that cannot be read: 1 (closed).')
})

// test/hostile tries many more, and larger ones.
describe('a tree that somebody made to harm', () => {
  const leak = 'x=$BITBUCKET_APP_PASSWORD\n'

  test.each(['text', 'json', 'sarif'])(
    'says nothing to a CI by the names of its files, in %s',
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

  test('cannot make it read a .gitignore without end, or wait for one', async () => {
    const root = makeTree({ 'a/x.sh': leak, 'b/x.sh': leak, '.gitignore': `${'a/**/'.repeat(12)}\n` })
    symlinkSync('/dev/zero', join(root, 'a/.gitignore'))
    execFileSync('mkfifo', [join(root, 'b/.gitignore')])
    git(root, 'init', '--quiet')
    const run = await audit(root)
    expect(run.stdout).toContain('2 findings in 3 files.')
    expect(run.stdout).toContain('.gitignore files that are links, not used: 1')
    expect(run.stdout).toContain('.gitignore files that are not regular files, not used: 1')
  })

  test('cannot flood the answer from one file', async () => {
    const root = makeTree({ flood: '$BITBUCKET_APP_PASSWORD '.repeat(130_000), 'z.sh': leak })
    const run = await audit(root)
    expect(run.stdout).toContain('    z.sh:1:4')
    expect(run.stdout).toContain('130,001 findings in 2 files.\nNote: 129,000 more findings not listed')
    expect([run.stderr, run.status]).toEqual(['', 1])
  })
})

test('no file at all is a warning', async () => {
  const run = await audit(makeTree({ '.gitignore': '*\n', 'a.sh': '' }))
  expect(run.stderr).toMatch(/^warning: No file was looked at\./)
  expect(run.status).toBe(0)
})

test.each([
  ['text', /\nIncomplete: 1 object of the history cannot be read\./],
  ['json', /"incomplete":true\}\n$/],
  ['sarif', /"executionSuccessful":false/],
])('an audit that fails ends with 6 and tells what it found, in %s', async (format, says) => {
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

describe('a wrong call ends with 2', () => {
  test.each([
    [
      'a path that is not there',
      ['audit', 'nowhere'],
      'The path to audit is neither a directory nor a file.',
    ],
    ['two paths', ['audit', '.', '.'], 'Too many arguments.'],
    ['another format', ['audit', '--format', 'xml'], 'Unknown format.'],
    ['a flag of another command', ['audit', '--all'], '--all does not work with audit.'],
    ['the history of no clone', ['audit', '--history'], 'The history cannot be read:'],
  ])('%s', async (_, args, says) => {
    const run = await runShell({ bitbucket: await startBitbucket(), args })
    expect(run.stderr).toContain(`error: ${says}`)
    expect([run.stdout, run.status]).toEqual(['', 2])
  })
})

test.each(['audit', 'audit --history'])('a signal ends %s, and its git', async (line) => {
  // A git that ends its parent, and never itself.
  const root = makeTree({ 'bin/git': '#!/bin/sh\nkill -TERM $PPID\nexec sleep 600\n' })
  chmodSync(join(root, 'bin/git'), 0o755)
  const run = await runShell({
    bitbucket: await startBitbucket(),
    args: [...line.split(' '), root],
    env: { PATH: `${join(root, 'bin')}:${pathWithoutProject}` },
  })
  expect([run.stdout, run.stderr, run.status]).toEqual([
    '',
    'error: Stopped by a signal before the audit was done.\nRun it again.\n',
    143,
  ])
})

test('neither the audit nor its git gets the credentials of the environment', async () => {
  const root = makeTree({ 'bin/git': '#!/bin/sh\n/usr/bin/env > "$0.env"; exit 1\n' })
  chmodSync(join(root, 'bin/git'), 0o755)
  const bitbucket = await startBitbucket()
  await runShell({
    bitbucket,
    args: ['audit', root],
    env: { PATH: join(root, 'bin'), BITBUCKET_API_TOKEN: secrets.apiToken },
  })
  expect(readFileSync(join(root, 'bin/git.env'), 'utf8')).not.toContain(secrets.apiToken)
})
