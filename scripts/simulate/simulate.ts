/**
 * `npx node scripts/simulate/simulate.ts` simulates a matrix of 256 jobs that request a token at the same time from a server
 * with a rate limit. The client and the rate limit are the program's own. Only the clock and the random numbers are
 * simulated, so a run takes a moment and always gives the same figures. Then a smaller crowd of real processes uses the real
 * sandbox, to check the simulation (`--no-processes` skips this). Writes scripts/simulate/arrivals.svg. Exits with 1 if a claim is false.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { arrivalsSvg } from './arrivals-svg.ts'
import { type Crowd, histogram, matrix, type Outcome, simulate } from './crowd.ts'
import { compareWithProcesses } from './processes.ts'

const jobs = 256
const perSecond = 16
const retryAfter = 5

const crowd = (options: Partial<Crowd> = {}): Promise<Outcome> =>
  simulate({ starts: matrix(jobs, 1), perSecond, seed: 2, ...options })

const contestants = {
  'as it is, Retry-After: 5': await crowd({ retryAfter }),
  'as it is, no Retry-After': await crowd(),
  'no jitter, Retry-After: 5': await crowd({ retryAfter, jitter: false }),
  'no jitter, no Retry-After': await crowd({ jitter: false }),
  'backoff from 1 s (503)': await crowd({ refusal: 503 }),
  'ignores Retry-After: 5': await crowd({ retryAfter, readsRetryAfter: false }),
}

/** How many refusals the limit makes inevitable, because the first request of a job cannot know about the others. */
const forced = jobs - Math.max(...Object.values(contestants).map(admittedAtFirst))

console.log(`${jobs} jobs within a second, ${perSecond} requests a second admitted; timeout 60 s, 4 retries`)
console.log(`The limit itself needs ${jobs / perSecond} s, and makes ${forced} refusals inevitable.\n`)
console.log(row(['policy', 'tokens', 'requests', 'refused', 'too early', 'last token', 'peak/s']))
for (const [name, outcome] of Object.entries(contestants)) console.log(row([name, ...figures(outcome)]))

console.log('\nAs it is, by what the server admits (without Retry-After):\n')
console.log(row(['admitted a second', 'tokens', 'requests', 'refused', 'too early', 'last token', 'peak/s']))
const narrow = await crowd({ perSecond: 8 })
console.log(row(['8', ...figures(narrow)]))
for (const admitted of [16, 32, 64, 256]) {
  console.log(row([String(admitted), ...figures(await crowd({ perSecond: admitted }))]))
}
const patient = await crowd({ perSecond: 2, timeout: 600_000 })
console.log(row(['2, timeout 600 s', ...figures(patient)]))

const shown = {
  'As it is': contestants['as it is, Retry-After: 5'],
  'Without jitter': contestants['no jitter, Retry-After: 5'],
} as const
for (const [name, { arrivals }] of Object.entries(shown)) {
  console.log(
    `\n${name}, with Retry-After: 5. Requests in each second; # admitted, . refused, one for each 2:\n`,
  )
  histogram(arrivals).forEach(({ admitted, refused }, second) => {
    const bar = '#'.repeat(Math.ceil(admitted / 2)) + '.'.repeat(Math.ceil(refused / 2))
    console.log(`${String(second).padStart(3)} s ${bar}`)
  })
}
writeFileSync(join(import.meta.dirname, 'arrivals.svg'), arrivalsSvg(shown, perSecond))

const own = [
  contestants['as it is, Retry-After: 5'],
  contestants['as it is, no Retry-After'],
  narrow,
  patient,
]
claim(
  'every job gets a token',
  own.every(({ tokens }) => tokens === jobs),
)
claim(
  'no request comes earlier than the last refusal allowed',
  own.every(({ tooEarly }) => tooEarly === 0),
)
claim(
  'no waves: after the first refusals, never more than twice the limit',
  own.slice(0, 2).every((outcome) => peak(outcome) <= 2 * perSecond),
)
claim(
  'at most a tenth more refusals than the limit makes inevitable',
  own.slice(0, 2).every(({ refused }) => refused <= 1.1 * forced),
)

if (!process.argv.includes('--no-processes')) {
  console.log()
  const { line, isTrue } = await compareWithProcesses()
  console.log(line)
  claim('real processes behave as simulated', isTrue)
}

function claim(text: string, holds: boolean): void {
  console.log(`${holds ? 'ok      ' : 'BROKEN  '}${text}`)
  if (!holds) process.exitCode = 1
}

function figures(outcome: Outcome): string[] {
  return [
    String(outcome.tokens),
    String(outcome.requests),
    String(outcome.refused),
    String(outcome.tooEarly),
    `${(outcome.lastToken / 1_000).toFixed(1)} s`,
    String(peak(outcome)),
  ]
}

/** Returns the most requests in any second after the first two, which hold the first tries of all jobs. */
function peak({ arrivals }: Outcome): number {
  return Math.max(
    0,
    ...histogram(arrivals)
      .slice(2)
      .map(({ admitted, refused }) => admitted + refused),
  )
}

/** Counts the first tries that the limit admits. All of them start within one second. */
function admittedAtFirst({ arrivals }: Outcome): number {
  return arrivals.slice(0, jobs).filter(({ at, admitted }) => admitted && at < 1_050).length
}

function row([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(28) + cells.map((cell) => cell.padStart(11)).join('')
}
