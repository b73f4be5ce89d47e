import { expect, test } from 'vitest'
import { plainLog } from '../../src/hosts/plain-log.ts'
import { fakeWorld } from '../support/fake-world.ts'

function written(world = fakeWorld(), debug = true) {
  const log = plainLog(world, debug)
  log.info('one')
  log.warning('two')
  log.error('three')
  log.debug('four')
  expect(world.out()).toBe('')
  return world.err()
}

test('writes to stderr, because stdout may be data', () => {
  expect(written()).toBe('one\nwarning: two\nerror: three\ndebug: four\n')
  expect(written(fakeWorld(), false)).toBe('one\nwarning: two\nerror: three\n')
})

test('colours the kind of line on a terminal', () => {
  const world = fakeWorld({ isTerminal: (stream) => stream === 'stderr', env: { TERM: 'xterm' } })
  expect(written(world)).toBe(
    'one\n\u001b[33mwarning:\u001b[0m two\n\u001b[31merror:\u001b[0m three\n\u001b[2mdebug:\u001b[0m four\n',
  )
})
