import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes a clock that the sandbox and each process with `env` use. Only the test moves it. */
export function sharedClock(tree: string) {
  const file = join(tree, 'time')
  let time = Date.now()
  const set = () => writeFileSync(file, String(time))
  set()
  const preload = join(tree, 'clock.mjs')
  writeFileSync(
    preload,
    `import { readFileSync } from 'node:fs'\nDate.now = () => Number(readFileSync(${JSON.stringify(file)}, 'utf8'))\n`,
  )
  return {
    now: () => time,
    advance(milliseconds: number) {
      time += milliseconds
      set()
    },
    env: { NODE_OPTIONS: `--import ${preload}` },
  }
}
