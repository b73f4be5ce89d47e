import { expect, test } from 'vitest'
import { withoutHashCommands } from '../../src/hosts/hash-commands.ts'

test.each([
  ['##vso[task.setvariable variable=a]b', '# #vso[task.setvariable variable=a]b'],
  ['a ##[group] ###', 'a # #[group] # # #'],
  // A soft hyphen and a zero-width space, to which .NET is blind.
  ['#\u00ad#v\u200bso[', '# #vso['],
  ['issue #1, #2 and C#', 'issue #1, #2 and C#'],
])('%j is said as %j', (text, said) => {
  expect(withoutHashCommands(text)).toBe(said)
})
