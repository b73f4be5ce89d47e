/** @module-tag git */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import ignore from 'ignore'
import { runAction } from '../e2e/support/action.ts'
import { inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { filesBelow } from '../e2e/support/canary.ts'
import { pathWithoutProject } from '../e2e/support/program.ts'
import { makeTree } from '../e2e/support/run.ts'
import { secretsIn } from '../e2e/support/secrets.ts'
import { git, runPipe, runShell } from '../e2e/support/shell.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { hostile } from './table.ts'

// Later steps of a job may copy the workspace. docs/security.md promises what they copy; keep the two in agreement.

const execute = promisify(execFile)
const env = {
  PATH: pathWithoutProject,
  HOME: '/nonexistent',
  npm_config_cache: join('/tmp', 'bitbucket-token-npm-cache'),
}

/** Runs the program in a workspace so that its files hold the token. */
async function workspace(kind: 'a clone' | 'no repository', directory = '') {
  const bitbucket = await startBitbucket()
  const inputs = inputsFor.consumer(bitbucket)
  const tree = makeTree()
  const step = { bitbucket, inputs, tree }
  const { cwd } =
    kind === 'a clone' ? await runPipe(step) : await runShell({ ...step, directory: join('work', directory) })
  const held = filesBelow(cwd).filter((path) => shownIn(path, bitbucket))
  if (held.length === 0) throw new Error('no file of the workspace holds a secret')
  const root = kind === 'a clone' ? cwd : join(tree, 'work')
  writeFileSync(join(root, 'package.json'), '{"name":"lib","version":"1.0.0"}\n')
  return { bitbucket, root, step }
}

const shownIn = (path: string, { secrets }: Awaited<ReturnType<typeof startBitbucket>>): boolean =>
  secretsIn(readFileSync(path, 'latin1'), secrets).length > 0

/** Lists the files below a directory that hold a secret. */
const holding = (directory: string, bitbucket: Awaited<ReturnType<typeof startBitbucket>>): string[] =>
  filesBelow(directory)
    .filter((path) => shownIn(path, bitbucket))
    .map((path) => relative(directory, path))

const through = (files: readonly string[]): string | undefined => files.join(', ') || undefined

/** Unpacks a tar archive into a new directory. */
async function unpack(archive: string): Promise<string> {
  const directory = temporaryDirectory()
  await execute('tar', ['-xf', archive, '-C', directory])
  return directory
}

async function packed(
  kind: 'a clone' | 'no repository',
  prepare: (root: string) => void = () => {},
  directory = '',
) {
  const { bitbucket, root } = await workspace(kind, directory)
  prepare(root)
  const { stdout } = await execute('npm', ['pack', '--json', '--offline'], { cwd: root, env })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return through(holding(await unpack(join(root, filename)), bitbucket))
}

/** Selects files as upload-artifact does since v4.4: it skips paths with a segment that starts with a dot, unless `include-hidden-files` is set. */
const uploaded = (files: readonly string[]) =>
  files.filter((path) => !path.split('/').some((segment) => segment.startsWith('.')))

const kind = 'a secret that leaves the workspace'

hostile([
  { kind, name: 'npm pack in a clone', tags: ['tar'], attempt: () => packed('a clone') },
  {
    kind,
    name: 'npm pack without a repository',
    tags: ['tar'],
    attempt: () => packed('no repository'),
  },
  {
    kind,
    name: 'npm pack with a .npmignore of the package',
    tags: ['tar'],
    attempt: () => packed('a clone', (root) => writeFileSync(join(root, '.npmignore'), '*.log\n')),
  },
  {
    kind,
    name: 'npm pack in a directory above that of the run',
    tags: ['tar'],
    attempt: () => packed('no repository', () => {}, 'deeper'),
  },
  {
    kind,
    name: 'git add -A',
    tags: ['tar'],
    attempt: async () => {
      const { bitbucket, root } = await workspace('a clone')
      await git(root, {}, 'add', '-A')
      await git(root, {}, 'commit', '--quiet', '--message', 'All')
      const archive = join(temporaryDirectory(), 'all.tar')
      await git(root, {}, 'archive', '--output', archive, 'HEAD')
      return through(holding(await unpack(archive), bitbucket))
    },
  },
  {
    kind,
    name: 'git add -A with an allow-list in .gitignore',
    attempt: async () => {
      const { bitbucket, root } = await workspace('a clone')
      writeFileSync(join(root, '.gitignore'), '*\n!*/\n!.bitbucket-token/**\n!**\n')
      await git(root, {}, 'add', '-A')
      const staged = (await git(root, {}, 'ls-files')).split('\n').filter(Boolean)
      return through(staged.filter((path) => shownIn(join(root, path), bitbucket)))
    },
  },
  {
    kind,
    name: 'git init and git add -A, after the run',
    attempt: async () => {
      const { bitbucket, root } = await workspace('no repository')
      await git(root, {}, 'init', '--quiet', '--template=')
      await git(root, {}, 'add', '-A')
      const staged = (await git(root, {}, 'ls-files')).split('\n').filter(Boolean)
      return through(staged.filter((path) => shownIn(join(root, path), bitbucket)))
    },
  },
  {
    kind,
    name: 'docker build with the .dockerignore line that docs/security.md recommends',
    attempt: async () => {
      const { bitbucket, root } = await workspace('a clone')
      // A plain name at the root has the same meaning for Docker as for git.
      const ignored = ignore().add('.bitbucket-token\n')
      return through(holding(root, bitbucket).filter((path) => !ignored.ignores(path)))
    },
  },
  {
    kind,
    name: 'upload-artifact of the workspace on GitHub, with and without hidden files',
    attempt: async () => {
      const bitbucket = await startBitbucket()
      const { job } = await runAction({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
      return through(holding(job.workspace, bitbucket))
    },
  },
  {
    kind,
    name: 'upload-artifact after a container ran in the workspace',
    attempt: async () => {
      const { bitbucket, root } = await workspace('a clone')
      return through(uploaded(holding(root, bitbucket)))
    },
  },
  {
    kind,
    name: 'tar, a plain copy, docker build without .dockerignore and include-hidden-files, after cleanup',
    tags: ['tar'],
    attempt: async () => {
      const { bitbucket, root, step } = await workspace('a clone')
      await runPipe({ ...step, args: ['cleanup'] })
      const archive = join(temporaryDirectory(), 'all.tar')
      await execute('tar', ['-cf', archive, '-C', root, '.'])
      const copy = join(temporaryDirectory(), 'copy')
      mkdirSync(copy)
      cpSync(root, copy, { recursive: true })
      return through([...holding(await unpack(archive), bitbucket), ...holding(copy, bitbucket)])
    },
  },
  {
    kind: 'docs/security.md not saying that copies of whole directories contain the token',
    name: 'tar before cleanup contains it, and docs/security.md says so',
    tags: ['tar'],
    attempt: async () => {
      const { bitbucket, root } = await workspace('a clone')
      const archive = join(temporaryDirectory(), 'all.tar')
      await execute('tar', ['-cf', archive, '-C', root, '.'])
      const holds = holding(await unpack(archive), bitbucket).length > 0
      const security = readFileSync(join(import.meta.dirname, '../../docs/security.md'), 'utf8')
      return holds === security.includes('`tar`') ? undefined : `tar holds it: ${holds}`
    },
  },
])
