import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './measure.ts'

const megabytes = 512
const fileMegabytes = 16
const rounds = 3

/**
 * Measures how much output of a command `exec` passes on, with all secrets of a run redacted. The output is like a CI's log:
 * lines with words and numbers, and a few hexadecimal digests.
 * @returns megabytes in a second, without the start-up
 */
export async function throughput(
  program: string,
  flag: '--redact' | '--no-redact',
  env: Readonly<Record<string, string>>,
  temp: string,
): Promise<number> {
  const file = join(temp, 'log.txt')
  writeFileSync(file, logOf(fileMegabytes * 1_000_000))
  const files = Array.from({ length: megabytes / fileMegabytes }, () => file)
  const seconds = async (...command: string[]) =>
    time([process.execPath, program, 'exec', flag, '--', ...command], env)
  const figures: number[] = []
  for (let round = 0; round < rounds; round++) {
    figures.push(megabytes / ((await seconds('cat', ...files)) - (await seconds('true'))))
  }
  return median(figures)
}

/** Runs a command whose output goes through a pipe, as in a CI. */
function time(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const piped = ['-c', '"$@" | cat > /dev/null', 'sh', ...command]
    const child = spawn('sh', piped, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'ignore' })
    child.on('error', reject)
    child.on('close', () => resolve((performance.now() - start) / 1_000))
  })
}

function logOf(size: number): string {
  const words =
    'added build compiled downloading error file from info layer package resolved step test warning'.split(
      ' ',
    )
  let seed = 1
  const next = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const lines: string[] = []
  for (let length = 0; length < size; length += lines.at(-1)?.length ?? size) {
    const text = Array.from({ length: 8 }, () => words[next(words.length)]).join(' ')
    const hex = () =>
      next(2 ** 32)
        .toString(16)
        .padStart(8, '0')
    // One line in ten. A digest costs the most, because the redaction also looks for secrets in hexadecimal.
    const digest = next(10) === 0 ? ` sha256:${hex()}${hex()}${hex()}${hex()}` : ''
    lines.push(
      `2026-11-28T10:${next(60)}:${next(60)}.${next(1_000)}Z ${text}${digest} (${next(100_000)} ms)\n`,
    )
  }
  return lines.join('')
}
