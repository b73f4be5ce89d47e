import type { World } from '../world.ts'
import type { Log } from './host.ts'

/** People's text on stderr, so that stdout is free for data. */
export function plainLog({ stderr }: Pick<World, 'stderr'>, debug: boolean): Log {
  const line = (prefix: string) => (text: string) => stderr(`${prefix}${text}\n`)
  return {
    info: line(''),
    warning: line('warning: '),
    error: line('error: '),
    debug: debug ? line('debug: ') : () => {},
  }
}
