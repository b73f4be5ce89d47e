import { describe, expect, test } from 'vitest'
import { verbs } from '../../src/command-line.ts'
import { hostNames } from '../../src/hosts/index.ts'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { exportedVariableTable } from '../../src/outputs.ts'
import { npmScripts, npmScriptsIn } from '../metadata/files.ts'
import { documents } from './documents.ts'

const variables = [
  ...inputNames.map(variableOf),
  ...Object.keys(exportedVariableTable),
  // What git's helper reads for bitbucket.org, and what Pipelines itself sets.
  'BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG',
  'BITBUCKET_STEP_OIDC_TOKEN',
  // What is gone, and what stands for a name.
  'BITBUCKET_USERNAME',
  'BITBUCKET_APP_PASSWORD',
  'BITBUCKET_SOME_NAME',
]

test('docs/ci.md has a row for every CI', () => {
  // These two have examples of their own at the top of the README.
  const rows = hostNames.filter((name) => name !== 'github' && name !== 'pipelines')
  expect(documents.get('docs/ci.md')?.codeSpans).toEqual(expect.arrayContaining(rows))
})

describe.each([...documents.values()])('$name', ({ text, codeSpans, examples }) => {
  const code = [...codeSpans, ...examples.map((example) => example.text)].join('\n')

  test('has only variables that there are', () => {
    const named = text.match(/\bBITBUCKET_[A-Z_]+[A-Z]\b/g) ?? []
    expect(named.filter((name) => !variables.includes(name))).toEqual([])
  })

  test('has only verbs that there are', () => {
    const called = [...code.matchAll(/\b(?:npx |\$\()?bitbucket-token(?:@1)? ([a-z][a-z-]*)\b/g)]
    const known = [...Object.keys(verbs), 'help']
    expect(called.map(([, verb = '']) => verb).filter((verb) => !known.includes(verb))).toEqual([])
  })

  test('has only npm scripts that there are', () => {
    expect(npmScripts).toEqual(expect.arrayContaining(npmScriptsIn(text)))
  })
})
