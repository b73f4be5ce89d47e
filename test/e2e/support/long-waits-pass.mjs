// A wait of minutes is over at once, and the steady clock is that much later.
let skipped = 0n
const { bigint } = process.hrtime
process.hrtime.bigint = () => bigint() + skipped

const { setTimeout } = globalThis
const pass = (run, milliseconds, ...rest) => {
  if (!(milliseconds > 120_000)) return setTimeout(run, milliseconds, ...rest)
  return setTimeout(() => {
    skipped += BigInt(Math.ceil(milliseconds)) * 1_000_000n
    run(...rest)
  }, 0)
}
globalThis.setTimeout = Object.assign(pass, setTimeout)
