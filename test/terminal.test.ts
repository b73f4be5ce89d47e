import { expect, test } from 'vitest'
import { painter } from '../src/terminal.ts'

const world = (env: Record<string, string>, terminal: 'stdout' | 'stderr' | 'none') => ({
  env,
  isTerminal: (stream: 'stdout' | 'stderr') => stream === terminal,
})

test('uses colour on a terminal', () => {
  expect(painter(world({}, 'stderr'), 'stderr')('red', 'x')).toBe('\u001b[31mx\u001b[0m')
  // no-color.org: "when present and not an empty string".
  expect(painter(world({ NO_COLOR: '' }, 'stderr'), 'stderr')('red', 'x')).toContain('\u001b')
})

test.each([
  ['in a pipe or a file', {}, 'none'],
  ['if only the other stream is a terminal', {}, 'stdout'],
  ['with NO_COLOR', { NO_COLOR: '1' }, 'stderr'],
  ['on a terminal without colours', { TERM: 'dumb' }, 'stderr'],
] as const)('uses no colour %s', (_, env, terminal) => {
  expect(painter(world(env, terminal), 'stderr')('red', 'x')).toBe('x')
})
