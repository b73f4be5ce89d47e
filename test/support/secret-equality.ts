import { expect } from 'vitest'
import { Secret } from '../../src/secret.ts'

// Without this, `toEqual` finds any two secrets equal, because it does not see private fields.
expect.addEqualityTesters([(a, b) => (a instanceof Secret && b instanceof Secret ? a.equals(b) : undefined)])
