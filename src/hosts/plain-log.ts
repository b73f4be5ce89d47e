import { logSafeText } from '../log-safe.ts'
import { painter } from '../terminal.ts'
import type { World } from '../world.ts'
import type { Log } from './host.ts'

/** Creates a log on stderr, so that stdout is free for data. */
export function plainLog(world: Pick<World, 'stderr' | 'env' | 'isTerminal'>, debug: boolean): Log {
  const paint = painter(world, 'stderr')
  const line = (prefix: string) => (text: string) => world.stderr(`${prefix}${logSafeText(text)}\n`)
  return {
    info: line(''),
    warning: line(`${paint('yellow', 'warning:')} `),
    error: line(`${paint('red', 'error:')} `),
    debug: debug ? line(`${paint('dim', 'debug:')} `) : () => {},
  }
}
