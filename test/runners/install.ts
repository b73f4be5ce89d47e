/**
 * Installs the CI programs that the suite `runners` starts, each at a fixed version, into a cache outside the tree:
 *
 *   node test/runners/install.ts
 *
 * Exits with 77 if this machine has no tool to install them with, and otherwise with 0. If a program cannot be installed,
 * the table at the end of the suite (report.ts) gives the reason.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, runInstaller } from '../support/installers.ts'

type Installer = 'go' | 'npm' | 'python3'

interface Runner {
  readonly version: string
  readonly installer: Installer
  readonly package: string
  /** The program's name in the directory of its installer. */
  readonly file: string
}

// Each version was the newest installable one when it was tried.
export const runners = {
  act: { version: '0.2.89', installer: 'go', package: 'github.com/nektos/act', file: 'act' },
  // v3.138.3 imports a module that the Go module proxy does not serve.
  'buildkite-agent': {
    version: '3.78.0',
    installer: 'go',
    package: 'github.com/buildkite/agent/v3',
    file: 'buildkite-agent',
  },
  'gitlab-ci-local': {
    version: '4.75.1',
    installer: 'npm',
    package: 'gitlab-ci-local',
    file: 'gitlab-ci-local',
  },
  'pipeline-runner': {
    version: '0.6.3',
    installer: 'python3',
    package: 'bitbucket-pipeline-runner',
    file: 'pipeline-runner',
  },
} as const satisfies Readonly<Record<string, Runner>>

export type RunnerName = keyof typeof runners

const notServed = 'not offered: the Go module proxy does not serve it or a module that it imports'

/** Programs that no package manager offers, with the reason. */
export const unavailable: Readonly<Record<string, string>> = {
  'gitlab-runner': notServed,
  "Forgejo's runner": notServed,
  "Gitea's runner": notServed,
  'woodpecker-cli': notServed,
  'drone-runner-exec': notServed,
  'circleci-cli': notServed,
  Jenkins: 'not offered: Debian has no package',
}

const directoryOf = (name: RunnerName): string => join(cache, `${name}-${runners[name].version}`)
const reasonFile = (name: RunnerName): string => `${directoryOf(name)}.failed`

/** Returns the path of a program, whether it is installed or not. */
export function pathOfRunner(name: RunnerName): string {
  const { installer, file } = runners[name]
  return join(directoryOf(name), installer === 'npm' ? 'node_modules/.bin' : 'bin', file)
}

/** Returns why a program is not installed, or undefined if it is. */
export function whyMissing(name: RunnerName): string | undefined {
  if (existsSync(pathOfRunner(name))) return undefined
  return existsSync(reasonFile(name)) ? readFileSync(reasonFile(name), 'utf8') : 'not installed'
}

const hasInstaller = (installer: Installer): boolean =>
  spawnSync(installer, [installer === 'go' ? 'version' : '--version'], { stdio: 'ignore' }).status === 0

/** Runs an installer for at most five minutes. Go compiles hundreds of packages; after a timeout its cache helps the next run. */
const run = (file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void =>
  runInstaller(file, args, { env, timeout: 300_000 })

const installers: Readonly<Record<Installer, (runner: Runner, directory: string) => void>> = {
  go({ package: name, version, file }, directory) {
    const bin = join(directory, 'bin')
    run('go', ['install', `${name}@v${version}`], { GOBIN: bin, CGO_ENABLED: '0' })
    // Go names a program after its directory and ignores a version directory such as `v2`.
    const built = name.split('/').findLast((part) => !/^v\d+$/.test(part)) ?? file
    if (built !== file) renameSync(join(bin, built), join(bin, file))
  },
  npm({ package: name, version }, directory) {
    run('npm', ['install', '--prefix', directory, '--no-audit', '--no-fund', `${name}@${version}`])
  },
  python3({ package: name, version }, directory) {
    run('python3', ['-m', 'venv', directory])
    run(join(directory, 'bin/pip'), ['install', '--quiet', `${name}==${version}`])
  },
}

function install(name: RunnerName): void {
  const runner: Runner = runners[name]
  const directory = directoryOf(name)
  rmSync(reasonFile(name), { force: true })
  if (existsSync(pathOfRunner(name))) return
  mkdirSync(cache, { recursive: true })
  try {
    if (!hasInstaller(runner.installer)) throw new Error(`${runner.installer} is missing`)
    console.log(`Installing ${name} ${runner.version} into ${directory}`)
    installers[runner.installer](runner, directory)
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    writeFileSync(reasonFile(name), error instanceof Error ? error.message : String(error))
  }
}

if (import.meta.main) {
  if (!hasInstaller('go') && !hasInstaller('python3')) {
    console.log('Skipped: test:runners needs Go or Python to install the programs of CIs, and found neither.')
    process.exit(77)
  }
  for (const name of Object.keys(runners) as RunnerName[]) install(name)
}
