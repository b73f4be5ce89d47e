import { expect, test } from 'vitest'
import { writeData } from '../../src/hosts/data.ts'
import { Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'

test('what a program is to read is all that stands on stdout', () => {
  const world = fakeWorld()
  writeData(world, new Secret('hunter\n'))
  expect(world.written).toEqual([{ to: 'stdout', text: 'hunter\n' }])
})
