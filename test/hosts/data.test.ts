import { expect, test } from 'vitest'
import { writeData } from '../../src/hosts/data.ts'
import { Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'

test('writes only the data to stdout', () => {
  const world = fakeWorld()
  writeData(world, new Secret('hunter\n'))
  expect(world.written).toEqual([{ to: 'stdout', text: 'hunter\n' }])
})
