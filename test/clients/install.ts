/**
 * Installs the clients of table.ts that are packages, each at its version, into a cache outside the tree:
 *
 *   node test/clients/install.ts
 *
 * Exits with 77 if this machine has none of the toolchains that install or run clients, and otherwise with 0. If something
 * cannot be installed, the table at the end of the suite (report.ts) gives the reason.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInstaller, cache as suitesCache } from '../support/installers.ts'
import { clients, type Ecosystem } from './table.ts'

export const cache = join(suitesCache, 'clients')
export const programs = join(import.meta.dirname, 'programs')

const directoryOf = (ecosystem: Ecosystem): string => join(cache, ecosystem)
const reasonFile = (ecosystem: Ecosystem): string => `${directoryOf(ecosystem)}.failed`

/** Returns the packages of an ecosystem with their versions, in its installer's syntax. */
function packagesOf(ecosystem: Ecosystem, separator: string): string[] {
  return Object.entries(clients)
    .filter(([, { from }]) => from === ecosystem)
    .map(([name, client]) => `${client.package ?? name}${separator}${client.version}`)
}

/** Runs an installer for at most ten minutes, because compiling is slow on a busy machine. */
function run(file: string, args: readonly string[], cwd = cache): void {
  const env = { GOBIN: directoryOf('go'), CGO_ENABLED: '0' }
  runInstaller(file, args, { cwd, env, timeout: 600_000 })
}

/** Installs with each ecosystem's own client. go.mod and pom.xml pin the packages that are compiled with a program of ours. */
const installers: Readonly<Record<Exclude<Ecosystem, 'machine'>, (directory: string) => void>> = {
  pip(directory) {
    run('python3', ['-m', 'venv', directory])
    run(join(directory, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...packagesOf('pip', '==')])
  },
  npm(directory) {
    run('npm', [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      directory,
      ...packagesOf('npm', '@'),
    ])
  },
  go(directory) {
    const [gitLfs = ''] = packagesOf('go', '@v')
    run('go', ['install', gitLfs])
    run('go', ['build', '-o', join(directory, 'clients'), '.'], join(programs, 'go'))
  },
  maven(directory) {
    const output = `-DoutputDirectory=${directory}`
    run('mvn', ['--quiet', '--batch-mode', 'dependency:copy-dependencies', output], join(programs, 'java'))
  },
}

/** Returns what the cache is made from. If it changes, the clients are installed again. */
function recipeOf(ecosystem: Ecosystem): string {
  const files = { go: ['go/go.mod', 'go/main.go'], maven: ['java/pom.xml'] }[String(ecosystem)] ?? []
  return [
    ...packagesOf(ecosystem, ' '),
    ...files.map((file) => readFileSync(join(programs, file), 'utf8')),
  ].join('\n')
}

function install(ecosystem: keyof typeof installers): void {
  const directory = directoryOf(ecosystem)
  const recipe = join(directory, 'recipe')
  rmSync(reasonFile(ecosystem), { force: true })
  if (existsSync(recipe) && readFileSync(recipe, 'utf8') === recipeOf(ecosystem)) return
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  try {
    console.log(`Installing ${packagesOf(ecosystem, ' ').join(', ')} into ${directory}`)
    installers[ecosystem](directory)
    writeFileSync(recipe, recipeOf(ecosystem))
  } catch (error) {
    writeFileSync(reasonFile(ecosystem), error instanceof Error ? error.message : String(error))
  }
}

const isOnPath = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' }).status === 0

/** Returns why a client cannot be tested, or undefined if it can. */
export function whyMissing(name: string): string | undefined {
  const { needs, from } = clients[name] ?? { needs: name, from: 'machine' }
  if (!isOnPath(needs)) return `${needs} is missing`
  if (from === 'machine' || existsSync(join(directoryOf(from), 'recipe'))) return undefined
  return existsSync(reasonFile(from)) ? readFileSync(reasonFile(from), 'utf8') : 'not installed'
}

if (import.meta.main) {
  const toolchains = { pip: 'python3', go: 'go', maven: 'mvn', npm: 'npm' } as const
  if (!['python3', 'go', 'mvn', 'cargo'].some(isOnPath)) {
    console.log('Skipped: test:clients needs Python, Go, Maven or Cargo, and found none of them.')
    process.exit(77)
  }
  for (const ecosystem of Object.keys(toolchains) as (keyof typeof toolchains)[])
    if (isOnPath(toolchains[ecosystem])) install(ecosystem)
}
