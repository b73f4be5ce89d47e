import type { World } from './world.ts'

const codes = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 } as const

/** Puts a style on a text, or gives it back as it is where nobody would see the style. */
export type Paint = (style: keyof typeof codes, text: string) => string

/** Colour only where it is seen: on a terminal that can, and not against NO_COLOR (no-color.org). */
export function painter(
  { env, isTerminal }: Pick<World, 'env' | 'isTerminal'>,
  stream: 'stdout' | 'stderr',
): Paint {
  if (env['NO_COLOR'] || env['TERM'] === 'dumb' || !isTerminal(stream)) return (_, text) => text
  return (style, text) => `\u001b[${codes[style]}m${text}\u001b[0m`
}
