import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { GitFailure } from '../../src/audit/git.ts'
import { auditHistory } from '../../src/audit/history.ts'
import { rules } from '../../src/audit/rules/index.ts'
import { type Hit, sizeLimit } from '../../src/audit/scan.ts'
import { git, gitEnvironment } from '../support/git.ts'
import { secrets } from './made-up.ts'
import { scan } from './scan.ts'
import { makeTree, writeTree } from './tree.ts'

const { signal: stop } = new AbortController()
const sleep = (milliseconds: number, signal: AbortSignal) => setTimeout(milliseconds, undefined, { signal })

const inHistory = rules.filter((rule) => rule.inHistory)

async function historyOf(directory: string, known: readonly Hit[] = [], prefix = '') {
  const found = await auditHistory(
    { directory, env: gitEnvironment(), stop, sleep },
    prefix,
    inHistory,
    known,
    async () => {},
  )
  const findings = found.findings.map(
    ({ rule, path, line, commit = '' }) =>
      `${rule.id} ${path}:${line} ${commit && git(directory, 'log', '-1', '--format=%s', commit).trim()}`,
  )
  return { ...found, findings: findings.sort() }
}

/** Makes a clone with one commit for each state of the files. The message of a commit is its number. */
function makeClone(...states: readonly Readonly<Record<string, string | Buffer>>[]): string {
  const root = makeTree()
  git(root, 'init', '--quiet', '--initial-branch=main')
  states.forEach((files, index) => {
    commit(root, files, `${index + 1}`)
  })
  return root
}

function commit(root: string, files: Readonly<Record<string, string | Buffer>>, message: string): void {
  git(root, 'rm', '-r', '--quiet', '--force', '--ignore-unmatch', '.')
  writeTree(root, files)
  git(root, 'add', '--all')
  const env = { ...gitEnvironment(), GIT_COMMITTER_DATE: `${1_700_000_000 + clock++} +0000` }
  execFileSync('git', ['commit', '--quiet', '--message', message], { cwd: root, env })
}

/** Seconds that are added to the time of the next commit, so that each commit is a second later. */
let clock = 0

const leak = `PASS=${secrets.appPassword}\n`

test('reports each secret once, with the commit that introduced it', async () => {
  const again = `one more line\n${leak}`
  const root = makeClone(
    { a: 'x\n' },
    { a: leak },
    { a: again },
    { a: 'x\n' },
    { b: leak },
    { c: `c\n${leak}` },
  )
  const { findings, versions } = await historyOf(root)
  // b has the same content as an earlier version of a, and git stores a content once.
  expect(findings).toEqual(['app-password-value a:1 2', 'app-password-value c:2 6'])
  expect(versions).toBe(4)
})

test('scans every branch, tag and merge, and the stash', async () => {
  const root = makeClone({ a: 'x\n' })
  git(root, 'checkout', '--quiet', '-b', 'side')
  commit(root, { a: 'x\n', side: leak }, 'on a branch')
  git(root, 'tag', 'kept')
  git(root, 'reset', '--quiet', '--hard', 'main')
  git(root, 'checkout', '--quiet', '-b', 'other')
  commit(root, { a: 'x\n', other: 'y\n' }, 'other')
  git(root, 'merge', '--quiet', '--no-commit', 'kept')
  writeTree(root, { evil: `see ${leak}` })
  git(root, 'add', '.')
  git(root, 'commit', '--quiet', '--message', 'in a merge')
  git(root, 'checkout', '--quiet', 'main')
  writeTree(root, { a: `stashed ${leak}` })
  git(root, 'stash', '--quiet')
  const { findings } = await historyOf(root)
  expect(findings).toEqual([
    expect.stringMatching(/^app-password-value a:1 (?:WIP on|index on) main/),
    'app-password-value evil:1 in a merge',
    'app-password-value side:1 on a branch',
  ])
})

test('does not report again what the current files contain', async () => {
  const root = makeClone({ a: leak }, { a: `two\n${leak}` })
  const known = scan(Buffer.from('a'), Buffer.from(`two\n${leak}`), rules).hits
  expect((await historyOf(root, known)).findings).toEqual([])
})

test('reports app passwords and secrets, but not what is only obsolete', async () => {
  const old = 'curl https://api.bitbucket.org/2.0/user/permissions/workspaces?access_token=$T\n'
  const root = makeClone(
    { a: `${old}curl -u u:$BITBUCKET_APP_PASSWORD https://api.bitbucket.org\n` },
    { b: 'x\n' },
  )
  expect((await historyOf(root)).findings).toEqual(['app-password-variable a:2 1'])
})

test('scans only files below the audited directory', async () => {
  const root = makeClone({ 'a/b/c': leak, d: `other ${leak}`, 'a/b/z': '' }, { 'a/b/z': '' })
  expect((await historyOf(join(root, 'a/b'), [], 'b/')).findings).toEqual(['app-password-value b/c:1 1'])
})

test('ignores configuration of the clone that changes git’s output', async () => {
  const root = makeClone({ 'a/b': leak }, { 'a/b': 'x\n' })
  git(root, 'config', 'diff.relative', 'true')
  git(root, 'config', 'core.quotePath', 'true')
  git(root, 'config', 'color.ui', 'always')
  expect((await historyOf(join(root, 'a'), [], 'a/')).findings).toEqual(['app-password-value a/b:1 1'])
})

describe('starts no program that the clone’s configuration names:', () => {
  test('gpg, which shows signatures', async () => {
    const root = makeClone({ a: leak }, { a: 'x\n' })
    const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n'
    const signed = git(root, 'cat-file', 'commit', 'HEAD~').replace('\n\n', `\n${signature}`)
    writeTree(root, { signed })
    git(root, 'update-ref', 'refs/heads/signed', git(root, 'hash-object', '-wt', 'commit', 'signed').trim())
    git(root, 'config', 'log.showSignature', 'true')
    const started = marker(root)
    git(root, 'config', 'gpg.program', started.program)
    git(root, 'log', '--all')
    expect(started.isThere()).toBe(true)
    expect((await historyOf(root)).findings).toEqual(['app-password-value a:1 1'])
    expect(started.isThere()).toBe(false)
  })

  test('a remote helper, which fetches what a partial clone lacks', async () => {
    const root = makeClone({ a: leak }, { a: 'x\n' })
    const blob = git(root, 'rev-parse', 'HEAD:a').trim()
    rmSync(join(root, '.git/objects', blob.slice(0, 2), blob.slice(2)))
    const started = marker(root)
    for (const [name, value] of Object.entries({
      'core.repositoryFormatVersion': '1',
      'extensions.partialClone': 'origin',
      'remote.origin.url': `ext::${started.program}`,
      'remote.origin.promisor': 'true',
      'protocol.ext.allow': 'always',
    }))
      git(root, 'config', name, value)
    git(root, 'cat-file', '-p', 'HEAD~:a')
    expect(() => git(root, 'cat-file', '-p', 'HEAD:a')).toThrow()
    expect(started.isThere()).toBe(true)
    expect(await historyOf(root)).toMatchObject({
      findings: ['app-password-value a:1 1'],
      skipped: { missing: 1 },
    })
    expect(started.isThere()).toBe(false)
  })
})

/** Makes a program that leaves a file when it is started. `isThere` says whether it was, and removes the file. */
function marker(root: string): { readonly program: string; isThere(): boolean } {
  const program = join(root, '.git/program')
  const started = join(root, '.git/started')
  writeFileSync(program, `#!/bin/sh\ntouch '${started}'\nexit 1\n`, { mode: 0o700 })
  return {
    program,
    isThere: () => {
      const isThere = existsSync(started)
      rmSync(started, { force: true })
      return isThere
    },
  }
}

test('handles unusual file names', async () => {
  const names = ['with space', '-dash', 'ä', '"quoted"', ' lead', 'a\tb', 'line\nbreak']
  const root = makeClone(
    Object.fromEntries(names.map((name, index) => [name, `${'x\n'.repeat(index)}${leak}`])),
    { z: '' },
  )
  const { findings } = await historyOf(root)
  expect(findings).toEqual(names.map((name, index) => `app-password-value ${name}:${index + 1} 1`).sort())
})

test('counts skipped versions and ignored findings', async () => {
  const root = makeClone(
    {
      binary: `\0${leak}`,
      huge: Buffer.alloc(sizeLimit + 1, 'a'),
      ignored: `# bitbucket-token-audit: ignore\n${leak}`,
    },
    { z: '' },
  )
  expect(await historyOf(root)).toMatchObject({
    findings: [],
    skipped: { binary: 1, tooLarge: 1, missing: 0, damaged: 0 },
    ignored: 1,
  })
})

test('recognises a shallow clone', async () => {
  const root = makeClone({ a: '1' }, { a: '2' })
  const shallow = makeTree()
  git(shallow, 'clone', '--quiet', '--depth=1', `file://${root}`, '.')
  expect((await historyOf(root)).isShallow).toBe(false)
  expect((await historyOf(shallow)).isShallow).toBe(true)
})

test('scans what a partial clone has, and counts what is missing', async () => {
  const root = makeClone({ a: leak }, { a: `two\n${leak}` }, { a: 'three\n' })
  git(root, 'config', 'uploadpack.allowFilter', 'true')
  const partial = makeTree()
  git(partial, 'clone', '--quiet', '--filter=blob:none', `file://${root}`, '.')
  expect(await historyOf(partial)).toMatchObject({ findings: [], versions: 1, skipped: { missing: 2 } })
})

test('reports nothing for a clone without commits', async () => {
  const root = makeTree()
  git(root, 'init', '--quiet')
  expect(await historyOf(root)).toMatchObject({ findings: [], versions: 0 })
})

test('throws outside a clone', async () => {
  await expect(historyOf(makeTree({ a: '' }))).rejects.toThrow(GitFailure)
})

test('reports hundreds of findings, each with its commit', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 450 }, (_, index) => [`f${index}`, `${index} ${leak}`]),
  )
  const { findings } = await historyOf(makeClone(files, { z: '' }))
  expect(findings).toHaveLength(450)
  expect(findings.every((finding) => finding.endsWith(' 1'))).toBe(true)
})
