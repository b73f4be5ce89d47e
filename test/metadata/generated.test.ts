import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { exportedVariableTable, outputTable } from '../../src/outputs.ts'
import { startSandbox } from '../../src/sandbox/index.ts'
import { inputVariables } from '../support/action-inputs.ts'
import { root } from './files.ts'

function node(script: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env })
  return { status, stdout, stderr }
}

test('all generated files are up to date', () => {
  expect(node(join(root, 'scripts/generate.ts'), ['--check'])).toMatchObject({ stderr: '', status: 0 })
})

test('npm run generate -- --check passes its flag to the whole script', () => {
  // npm passes the flag only to the last command of a script.
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts.generate).not.toContain('&&')
})

describe('generate, in a copy,', () => {
  let copy = ''
  const inCopy = (name: string) => join(copy, name)
  const generate = (...args: string[]) => node(inCopy('scripts/generate.ts'), args)
  const edit = (name: string, change: (text: string) => string) =>
    writeFileSync(inCopy(name), change(readFileSync(inCopy(name), 'utf8')))
  const readme = (...tables: string[]) =>
    writeFileSync(
      inCopy('README.md'),
      tables.map((name) => `<!-- ${name} -->\n<!-- /${name} -->\n`).join('\n'),
    )

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'generate-'))
    for (const name of [
      'scripts/generate.ts',
      'scripts/fault-table.ts',
      'scripts/release',
      'CHANGELOG.md',
      'test/audit',
      'test/clients',
      'test/faults',
      'src',
      'package.json',
      'action.yml',
      'pipe.yml',
      'bitbucket-pipelines.yml',
      'docs',
      'README.md',
    ])
      cpSync(join(root, name), inCopy(name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), inCopy('node_modules'))
  })
  afterEach(() => rmSync(copy, { recursive: true, force: true }))

  test.each([
    ['action.yml', (text: string) => text.replace('default: auto', 'default: manual')],
    ['action.yml', (text: string) => text.replace(/ {2}git-username:\n.*\n/, '')],
    ['pipe.yml', (text: string) => text.replace('name: DEBUG', 'name: BITBUCKET_DEBUG')],
    ['pipe.yml', (text: string) => text.replace(/(image: .*:).*/, '$10.9.9')],
    ['bitbucket-pipelines.yml', (text: string) => text.replace(/(pipe: .*:).*/, '$10.9.9')],
    ['docs/command-line.md', (text: string) => text.replace('| `cleanup` |', '| `clean-up` |')],
    ['docs/command-line.md', (text: string) => text.replace('| `--history` |', '| `--past` |')],
    ['docs/ci.md', (text: string) => text.replace(/(bitbuckettoken\/bitbucket-token:)[\d.]+/, '$10.9.9')],
    ['docs/ci.md', (text: string) => text.replace(/(npx --yes bitbucket-token@)\d+/, '$10')],
    ['docs/git.md', (text: string) => text.replace('| dulwich |', '| Dulwich |')],
    ['test/faults/README.md', (text: string) => text.replace('endless headers', 'no headers')],
    ['docs/refresh-tokens.md', (text: string) => text.replace(/(uses: .*@v)\d+/, '$10')],
    ['src/version.ts', (text: string) => text.replace(/'.*'/, "'0.9.9'")],
  ])('names a stale %s and updates it', (name, change) => {
    const before = readFileSync(inCopy(name), 'utf8')
    edit(name, change)
    expect(readFileSync(inCopy(name), 'utf8')).not.toBe(before)
    expect(generate('--check')).toMatchObject({ stderr: `${name} is stale: npm run generate\n`, status: 1 })
    expect(generate()).toMatchObject({ stderr: '', status: 0 })
    expect(readFileSync(inCopy(name), 'utf8')).toBe(before)
  })

  test('fills the tables in README.md', () => {
    readme('release', 'inputs', 'outputs', 'variables')
    expect(generate('--check')).toMatchObject({ stderr: 'README.md is stale: npm run generate\n', status: 1 })
    generate()
    const text = readFileSync(inCopy('README.md'), 'utf8')
    for (const name of [...inputNames, ...inputNames.map(variableOf)])
      expect(text).toContain(`| \`${name}\` |`)
    for (const name of Object.keys(outputTable)) expect(text).toContain(`\n| \`${name}\` |`)
    for (const name of Object.keys(exportedVariableTable)) expect(text).toContain(`\n| \`${name}\` |`)
    expect(generate('--check')).toMatchObject({ stderr: '', status: 0 })
  })

  test('says that there is no release exactly as long as CHANGELOG.md has none', () => {
    const notice = '**The first release is not out yet.**'
    const stale = { stderr: 'README.md is stale: npm run generate\n', status: 1 }
    const unreleased = '# Changes\n\n## Unreleased\n\n- New.\n'
    for (const [changelog, isThere] of [
      [unreleased.replace('Unreleased', '1.0.0 (2026-12-01)'), false],
      [unreleased, true],
      [`${unreleased}\n## 1.0.0 (2026-12-01)\n\n- Old.\n`, false],
    ] as const) {
      writeFileSync(inCopy('CHANGELOG.md'), changelog)
      if (readFileSync(inCopy('README.md'), 'utf8').includes(notice) !== isThere)
        expect(generate('--check')).toMatchObject(stale)
      expect(generate()).toMatchObject({ stderr: '', status: 0 })
      expect(readFileSync(inCopy('README.md'), 'utf8').includes(notice)).toBe(isThere)
    }
  })

  test('reports a missing table only with --check', () => {
    readme('release', 'inputs', 'variables')
    expect(generate()).toMatchObject({ stderr: '', status: 0 })
    expect(generate('--check')).toMatchObject({
      stderr: 'README.md has no <!-- outputs --> … <!-- /outputs -->\n',
      status: 1,
    })
  })
})

const program = join(root, 'src/index.ts')

test('--help lists every input', () => {
  const { stdout, status } = node(program, ['--help'])
  expect(status).toBe(0)
  const listed = stdout.split('\n').flatMap((line) => /^ {2}(BITBUCKET_\w+) {2,}\S/.exec(line)?.[1] ?? [])
  expect(listed).toEqual(inputNames.map(variableOf))
})

test('a run sets exactly the documented outputs and variables', async () => {
  const runner = mkdtempSync(join(tmpdir(), 'runner-'))
  const sandbox = await startSandbox()
  try {
    const files = Object.fromEntries(
      ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE'].map((name) => [name, join(runner, name)]),
    )
    const { clientId, clientSecret, refreshToken } = sandbox.credentials
    // This grant returns everything: an expiry, scopes and a new refresh token.
    const env = {
      GITHUB_ACTIONS: 'true',
      RUNNER_TEMP: runner,
      ...files,
      ...inputVariables({
        'client-id': clientId,
        'client-secret': clientSecret,
        'refresh-token': refreshToken,
        // Its variables are for git only and are not documented.
        'configure-git': 'false',
        url: sandbox.url,
        'api-url': sandbox.apiUrl,
      }),
    }
    // Not spawnSync, because the sandbox answers from this process.
    const [status] = await once(spawn(process.execPath, [program], { env, stdio: 'ignore' }), 'exit')
    expect(status).toBe(0)
    const namesIn = (file: string) =>
      [...readFileSync(file, 'utf8').matchAll(/^([\w-]+)<<ghadelimiter/gm)]
        .map(([, name]) => name ?? '')
        .sort()
    expect(namesIn(join(runner, 'GITHUB_OUTPUT'))).toEqual(Object.keys(outputTable).sort())
    expect(namesIn(join(runner, 'GITHUB_ENV'))).toEqual(Object.keys(exportedVariableTable).sort())
  } finally {
    await sandbox.close()
    rmSync(runner, { recursive: true, force: true })
  }
})
