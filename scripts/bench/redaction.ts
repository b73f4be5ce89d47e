/**
 * `npx node scripts/bench/redaction.ts [megabytes]` measures how fast output passes through the redaction, and how much its
 * memory grows. It exits 1 if a limit is exceeded.
 */
import { randomBytes } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { OutputRedactor } from '../../src/redaction/output-redactor.ts'
import { Secret } from '../../src/secret.ts'

const [megabytes = 300] = process.argv.slice(2).map(Number)
const slowest = 200
const mostGrowth = 100
const chunkLength = 65_536

const redaction = new OutputRedactor()
const token = `ATATT3xFfGF0${randomBytes(135).toString('base64url')}`
redaction.add(new Secret(token))
redaction.add(new Secret(randomBytes(750).toString('base64url')))

const line =
  '2026-01-01T00:00:00Z info compiled src/module.ts in 12 ms, see https://bitbucket.org/acme/website\n'
const outputs = {
  'lines of a log': Buffer.alloc(chunkLength, line),
  'lines with a digest': Buffer.from(
    Array.from({ length: 1_000 }, () => `sha256:${randomBytes(32).toString('hex')} layer pulled\n`).join(''),
  ),
  Base64: Buffer.from(randomBytes((chunkLength * 3) / 4).toString('base64')),
  'random bytes': randomBytes(chunkLength),
}

for (const [name, chunk] of Object.entries(outputs)) await judge(name, chunk, slowest)
// Few jobs write the token on each line, so this only has to be fast enough for a long log.
await judge('lines with a token', Buffer.alloc(chunkLength, `${line}Authorization: Bearer ${token}\n`), 3)

async function judge(name: string, chunk: Buffer, slowest: number): Promise<void> {
  // A slower output gets less to do, so that each one takes about as long.
  const share = slowest / 200
  await measure(chunk, 20 * share)
  const { speed, growth } = await measure(chunk, megabytes * share)
  const isOk = speed >= slowest && growth <= mostGrowth
  console.log(
    `${name.padEnd(21)}${Math.round(speed)} MB/s of at least ${slowest}, ${Math.round(growth)} MB more memory of at most ${mostGrowth}  ${isOk ? 'ok' : 'TOO MUCH'}`,
  )
  if (!isOk) process.exitCode = 1
}

async function measure(chunk: Buffer, megabytes: number): Promise<{ speed: number; growth: number }> {
  const count = Math.ceil((megabytes * 1e6) / chunk.length)
  const chunks = function* () {
    for (let sent = 0; sent < count; sent++) yield chunk
  }
  const before = process.memoryUsage.rss()
  const began = performance.now()
  await pipeline(
    Readable.from(chunks(), { objectMode: false }),
    redaction.stream({ sleep: () => new Promise<void>(() => {}) }),
    new Writable({ write: (_chunk, _encoding, done) => done() }),
  )
  const seconds = (performance.now() - began) / 1_000
  return { speed: (count * chunk.length) / 1e6 / seconds, growth: (process.memoryUsage.rss() - before) / 1e6 }
}
