// A wait of more than two minutes ends at once, and the monotonic clock jumps ahead by that time.
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
