import type { World } from './world.ts'

const codes = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 } as const

/** Adds a style to a text, or returns the text unchanged if the output does not support styles. */
export type Paint = (style: keyof typeof codes, text: string) => string

/** Returns a function that adds colours only if the stream is a terminal that supports them and NO_COLOR is not set (no-color.org). */
export function painter(
  { env, isTerminal }: Pick<World, 'env' | 'isTerminal'>,
  stream: 'stdout' | 'stderr',
): Paint {
  if (env['NO_COLOR'] || env['TERM'] === 'dumb' || !isTerminal(stream)) return (_, text) => text
  return (style, text) => `\u001b[${codes[style]}m${text}\u001b[0m`
}
