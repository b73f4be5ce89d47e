import { execFile } from 'node:child_process'
import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from './accounts.ts'

const run = promisify(execFile)

/** Returns the environment for the sandbox's own git, without any git configuration or repository of the caller. */
export function gitEnvironment(home: string): Record<string, string> {
  const { PATH = '', SYSTEMROOT } = process.env
  return {
    PATH,
    // git on Windows does not start without it.
    ...(SYSTEMROOT !== undefined && { SYSTEMROOT }),
    // For git before 2.32, which does not know GIT_CONFIG_GLOBAL.
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  }
}

/** The private directory from which git serves, laid out as `workspace/slug.git`. */
export interface GitRoot {
  directory: string
  httpBackend: string
}

/** Git or its http-backend is not installed. */
export class GitMissing extends Error {}

/** Creates the repository at the first request for it, so that a sandbox without git requests never starts git. */
export class GitRepositories {
  #root: Promise<GitRoot> | undefined
  #directory: string | undefined

  /** @throws GitMissing */
  root(): Promise<GitRoot> {
    this.#root ??= this.#create()
    return this.#root
  }

  async remove(): Promise<void> {
    await this.#root?.catch(() => {})
    if (this.#directory !== undefined) {
      await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  async #create(): Promise<GitRoot> {
    const httpBackend = await findHttpBackend()
    const directory = await mkdtemp(join(tmpdir(), 'bitbucket-sandbox-'))
    this.#directory = directory
    await createRepository(join(directory, repository.workspace, `${repository.slug}.git`), directory)
    return { directory, httpBackend }
  }
}

async function findHttpBackend(): Promise<string> {
  const found = await run('git', ['--exec-path']).catch(() => undefined)
  if (found === undefined) {
    throw new GitMissing('The sandbox needs git to serve repositories, but there is no git on the PATH.')
  }
  const program = join(found.stdout.trim(), 'git-http-backend')
  const exists = await Promise.any([stat(program), stat(`${program}.exe`)]).catch(() => undefined)
  if (exists === undefined) {
    throw new GitMissing(
      `The sandbox needs git http-backend to serve repositories, but ${program} is missing. On Alpine, install the package git-daemon.`,
    )
  }
  return program
}

async function createRepository(path: string, home: string): Promise<void> {
  const env = gitEnvironment(home)
  // An empty template means no hooks, and nothing that depends on the installation of git.
  await run('git', ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', path], { env })
  await appendFile(join(path, 'config'), configuration)
  const importing = run('git', ['fast-import', '--quiet'], { env, cwd: path })
  // If git ends without reading its input, its exit status says why.
  importing.child.stdin?.on('error', () => {}).end(history)
  await importing
}

// Disables background housekeeping, which would write while the directory is removed, and enables the fetch capabilities
// that Bitbucket Cloud advertises.
const configuration = `[gc]
	auto = 0
[receive]
	autogc = false
[uploadpack]
	allowFilter = true
	allowTipSHA1InWant = true
	allowReachableSHA1InWant = true
`

const readme = `# ${repository.slug}

A repository of the bitbucket-token sandbox.
`

// The author and the dates (2026-01-01T00:00:00Z) are fixed, so that the commit has the same id everywhere.
const history = `commit refs/heads/main
committer Sandbox <sandbox@example.com> 1767225600 +0000
data 11
Add README

M 100644 inline README.md
data ${Buffer.byteLength(readme)}
${readme}`
