/**
 * Explores the model of rotating refresh tokens with spin, and prints a verdict for each case: `npm run model`. README.md explains
 * the model. Exits with 1 if a verdict is not the expected one.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How often each fault may happen, and what else rotation.pml lets a case switch on. */
interface Case {
  readonly name: string
  readonly expected: 'holds' | 'violated'
  readonly flags: readonly string[]
}

/** Three jobs, one of each fault, and two saves that fail: then a job gives up saving. */
const usual = ['JOBS=3', 'CRASHES=1', 'LOST_ANSWERS=1', 'FAILED_SAVES=2', 'SUSPENSIONS=0', 'FULL_DISKS=0']

const cases: readonly Case[] = [
  { name: 'file with a lock, two machines', expected: 'holds', flags: ['LOCK', 'SUSPENSIONS=1'] },
  { name: 'file that becomes read-only at any moment', expected: 'holds', flags: ['LOCK', 'UNSTEADY'] },
  {
    name: 'file that is always read-only: nothing is spent',
    expected: 'holds',
    flags: ['LOCK', 'READ_ONLY'],
  },
  { name: 'variable of a CI, one job at a time', expected: 'holds', flags: ['SERIAL'] },
  {
    name: 'variable of a CI, jobs at the same time',
    expected: 'violated',
    flags: ['CRASHES=0', 'LOST_ANSWERS=0'],
  },
  {
    name: 'no other run within ten minutes after a failure',
    expected: 'violated',
    flags: ['LOCK', 'NO_RERUN'],
  },
  {
    name: 'Bitbucket accepts only the last successor',
    expected: 'violated',
    flags: ['LOCK', 'ONE_SUCCESSOR'],
  },
  {
    name: 'seeded bug: save without looking at the store',
    expected: 'violated',
    flags: ['LOCK', 'BLIND_SAVE', 'SUSPENSIONS=1'],
  },
  {
    name: 'seeded bug: spend without checking the store',
    expected: 'violated',
    flags: ['LOCK', 'READ_ONLY', 'NO_CHECK'],
  },
]

if (['spin', 'cc'].some((program) => spawnSync(program, ['--version']).error !== undefined)) {
  console.log('skip: npm run model needs spin and a C compiler (Debian: spin, gcc, libc6-dev)')
  process.exit(0)
}
const directory = mkdtempSync(join(tmpdir(), 'bitbucket-token-model-'))
try {
  copyFileSync(join(import.meta.dirname, 'rotation.pml'), join(directory, 'rotation.pml'))
  const verdicts = cases.map(explore)
  const wrong = cases.filter(({ expected }, index) => verdicts[index] !== expected)
  for (const { name, expected } of wrong) console.log(`\nNot as expected: ${name}. Expected: ${expected}.`)
  process.exitCode = wrong.length === 0 ? 0 : 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** Explores every interleaving of a case, prints what was found, and returns the verdict. */
function explore({ name, expected, flags }: Case): Case['expected'] {
  const given = new Set(flags.map((flag) => flag.split('=')[0]))
  const all = [...usual.filter((flag) => !given.has(flag.split('=')[0])), ...flags].map((flag) => `-D${flag}`)
  rmSync(join(directory, 'rotation.pml.trail'), { force: true })
  run('spin', [...all, '-a', 'rotation.pml'])
  run('cc', ['-w', '-O2', '-DSAFETY', '-DCOLLAPSE', '-DREACH', '-DMEMLIM=2000', '-o', 'pan', 'pan.c'])
  // A violation is searched for until the shortest path to it is known (-i).
  const output = run('./pan', ['-m100000', ...(expected === 'violated' ? ['-i'] : [])])
  if (!/Full statespace search/.test(output) || /max search depth too small|out of memory/.test(output)) {
    throw new Error(`The search was not complete: ${output}`)
  }
  const [, depth] = /depth reached (\d+)/.exec(output) ?? []
  const [, states] = /(\S+) states, stored/.exec(output) ?? []
  const verdict = /errors: 0\b/.test(output) ? 'holds' : 'violated'
  console.log(`${verdict.padEnd(8)}  ${String(Number(states)).padStart(8)} states, depth ${depth}  ${name}`)
  if (verdict === 'violated') {
    for (const line of run('spin', [...all, '-T', '-t', 'rotation.pml']).split('\n')) {
      if (/^ *(job \d|Bitbucket|the (grace|store)) /.test(line)) console.log(`            ${line.trim()}`)
    }
  }
  return verdict
}

function run(command: string, args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' })
  if (error !== undefined || status !== 0) throw error ?? new Error(`${command} failed: ${stdout}${stderr}`)
  return stdout
}
