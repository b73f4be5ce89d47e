import { expect } from 'vitest'
import { Secret } from '../../src/secret.ts'

// Of itself `toEqual` takes any two secrets for equal, for it does not see what is private in them.
expect.addEqualityTesters([(a, b) => (a instanceof Secret && b instanceof Secret ? a.equals(b) : undefined)])
