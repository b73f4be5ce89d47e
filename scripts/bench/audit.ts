/**
 * `npx node scripts/bench/audit.ts [files] [bytes] [commits]` measures `audit` on a made-up clone, compares it with `git grep`
 * for the same words, and measures `audit --history` on a made-up history. It measures whole processes. Only the ratio can be
 * compared between machines.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { innocentTree } from '../../test/audit/innocent.ts'
import { chance } from '../../test/audit/made-up.ts'
import { median } from './measure.ts'

const [files = 100_000, bytes = 500_000_000, commits = 10_000] = process.argv.slice(2).map(Number)
/** Limits that a rule exceeds only if it is quadratic: the audit needs up to three times as long as `git grep` with one thread. */
const limits = { ratio: 2.5, peak: 300, historySeconds: 30 }
const program = join(import.meta.dirname, '../../dist/index.js')
const probe = join(import.meta.dirname, 'probe.cjs')
const words = 'bitbucket|bb[_.-][[:alnum:]_]{0,20}app|ATBB|AT[AC]TT3'
const temp = mkdtempSync(join(tmpdir(), 'bitbucket-token-bench-audit-'))
try {
  const tree = join(temp, 'tree')
  writeTree(tree)
  git(tree, 'init', '--quiet')
  git(tree, '-c', 'core.compression=0', '-c', 'gc.auto=0', 'add', '.')
  const size = Number(
    execFileSync('du', ['--summarize', '--bytes', '--exclude=.git', tree], { encoding: 'utf8' }).split(
      '\t',
    )[0],
  )
  console.log(
    `${files} files, ${Math.round(size / 1e6)} MB, one in twenty mentions Bitbucket; node ${process.version}`,
  )
  const rounds = [1, 2, 3].map(() => ({
    audit: timed(() => audit(tree)),
    grep: timed(() => grep(tree)),
    alone: timed(() => grep(tree, '-c', 'grep.threads=1')),
  }))
  const { peak } = audit(tree)
  const medianOf = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick))
  const seconds = medianOf(({ audit }) => audit)
  console.log(
    `audit     ${seconds.toFixed(2)} s: ${Math.round(files / seconds)} files/s, ${Math.round(size / 1e6 / seconds)} MB/s, peak ${peak} MiB`,
  )
  console.log(
    `git grep  ${medianOf(({ grep }) => grep).toFixed(2)} s (${medianOf(({ alone }) => alone).toFixed(2)} s with one thread)`,
  )
  console.log(`ratio     ${medianOf(({ audit, grep }) => audit / grep).toFixed(2)}`)
  rmSync(tree, { recursive: true })

  const history = join(temp, 'history')
  writeHistory(history)
  const began = performance.now()
  const { peak: most, answer } = audit(history, '--history')
  const took = (performance.now() - began) / 1_000
  check(
    'ratio to git grep with one thread',
    medianOf(({ audit, alone }) => audit / alone),
    limits.ratio,
  )
  check('peak, MiB', Math.max(peak, most), limits.peak)
  check('history, s', took, limits.historySeconds)
  console.log(`history   ${commits} commits in ${took.toFixed(2)} s, peak ${most} MiB: ${answer}`)
} finally {
  rmSync(temp, { recursive: true, force: true })
}

function check(name: string, figure: number, limit: number): void {
  console.log(`${name}: ${figure.toFixed(2)} of at most ${limit}${figure > limit ? '  TOO MUCH' : ''}`)
  if (figure > limit) process.exitCode = 1
}

/** Writes the clone. One file in twenty comes from the innocent tree of the tests, and the others hold lines of a program. */
function writeTree(root: string): void {
  const random = chance(1)
  const lines = Array.from(
    { length: 5_000 },
    () =>
      `  const value${Math.floor(random() * 1e6)} = compute(index + ${Math.floor(random() * 1e6)}, 'name', options.path)\n`,
  )
  const spoken = innocentTree(1, Math.ceil(files / 20), bytes / 20)
  for (let file = 0; file < files; file++) {
    const from = Math.floor(random() * 4_000)
    const count = Math.ceil((bytes / files / 75) * 2 * random())
    const text = Array.from({ length: count }, (_, index) => lines[(from + index) % lines.length]).join('')
    const given = file % 20 === 0 ? spoken.next().value : undefined
    const path = join(root, `${file % 500}`, given?.path ?? `${file}.ts`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, given?.text ?? text)
  }
}

/** Writes the history. Each commit changes a line in one of a hundred files of 20 kB. One commit in a thousand adds an app password. */
function writeHistory(root: string): void {
  mkdirSync(root)
  git(root, 'init', '--quiet', '--initial-branch=main')
  const random = chance(2)
  const contents = Array.from({ length: 100 }, (_, file) =>
    Array.from(
      { length: 250 },
      (_, line) => `line ${line} of ${file}, which mentions bitbucket.org and contains no secret at all`,
    ),
  )
  const stream: string[] = []
  for (let commit = 0; commit < commits; commit++) {
    const file = commit % contents.length
    const content = contents[file] ?? []
    content[Math.floor(random() * content.length)] = `changed by ${commit}`
    const leak = commit % 1_000 === 0 ? `ATBB${commit}aB3dE5fG7hJ9kL2mN4pQ6rS8tV` : ''
    const text = `${content.join('\n')}\n${leak}\n`
    stream.push(
      `commit refs/heads/main\ncommitter a <a@example.com> ${1_700_000_000 + commit} +0000\ndata 1\nc\nM 644 inline file-${file}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
    )
  }
  execFileSync('git', ['fast-import', '--quiet'], { cwd: root, input: stream.join(''), maxBuffer: 1e6 })
  git(root, 'reset', '--quiet', '--hard')
}

function git(cwd: string, ...args: string[]): void {
  execFileSync('git', args, { cwd, stdio: 'ignore' })
}

function grep(cwd: string, ...options: string[]): void {
  const args = [...options, 'grep', '--untracked', '-I', '-i', '-c', '-E', words]
  spawnSync('git', args, { cwd, stdio: 'ignore' })
}

function audit(root: string, ...args: string[]): { peak: number; answer: string } {
  const options = {
    encoding: 'utf8' as const,
    stdio: ['ignore' as const, 'pipe' as const, 'inherit' as const, 'pipe' as const],
    maxBuffer: 1e9,
  }
  const { stdout, output, status } = spawnSync(
    process.execPath,
    ['--require', probe, program, 'audit', root, ...args],
    options,
  )
  if (status !== 0 && status !== 1) throw new Error(`audit exited with ${status}`)
  const { peak } = JSON.parse(output[3] ?? '') as { peak: number }
  return { peak: Math.round(peak), answer: stdout.trim().split('\n').at(-1) ?? '' }
}

function timed(work: () => void): number {
  const began = performance.now()
  work()
  return (performance.now() - began) / 1_000
}
