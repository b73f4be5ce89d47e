import { shellQuote } from '../hosts/shell-quote.ts'
import { isWindows } from '../windows.ts'
import type { World } from '../world.ts'

/**
 * Returns the command of a git helper that is this program. git runs it with a POSIX sh, on Windows too, where the paths of
 * node have backslashes.
 */
export function helperCommand({ program, platform }: Pick<World, 'program' | 'platform'>): string {
  const words = program.map((word) => (isWindows({ platform }) ? word.replaceAll('\\', '/') : word))
  return `!${words.map(shellQuote).join(' ')} git-credential`
}
