import { describe, expect, test } from 'vitest'
import { commands } from '../../src/command-line.ts'
import { hostNames } from '../../src/hosts/index.ts'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { brokerVariables, exportedVariableTable } from '../../src/outputs.ts'
import { npmScripts, npmScriptsIn } from '../metadata/files.ts'
import { documents } from './documents.ts'

const variables = [
  ...inputNames.map(variableOf),
  ...Object.keys(exportedVariableTable),
  ...Object.values(brokerVariables),
  // The helper of git reads the first for bitbucket.org; Pipelines sets the second.
  'BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG',
  'BITBUCKET_STEP_OIDC_TOKEN',
  // The first two are from the time of app passwords; the last is a placeholder.
  'BITBUCKET_USERNAME',
  'BITBUCKET_APP_PASSWORD',
  'BITBUCKET_SOME_NAME',
]

test('docs/ci.md has a row for every CI', () => {
  // These two have their examples at the top of the README.
  const rows = hostNames.filter((name) => name !== 'github' && name !== 'pipelines')
  expect(documents.get('docs/ci.md')?.codeSpans).toEqual(expect.arrayContaining(rows))
})

describe.each([...documents.values()])('$name', ({ text, codeSpans, examples }) => {
  const code = [...codeSpans, ...examples.map((example) => example.text)].join('\n')

  test('names only variables that exist', () => {
    const named = text.match(/\bBITBUCKET_[A-Z_]+[A-Z]\b/g) ?? []
    expect(named.filter((name) => !variables.includes(name))).toEqual([])
  })

  test('names only commands that exist', () => {
    const called = [...code.matchAll(/\b(?:npx |\$\()?bitbucket-token(?:@1)? ([a-z][a-z-]*)\b/g)]
    const known = [...Object.keys(commands), 'help']
    expect(called.map(([, command = '']) => command).filter((command) => !known.includes(command))).toEqual(
      [],
    )
  })

  test('names only npm scripts that exist', () => {
    expect(npmScripts).toEqual(expect.arrayContaining(npmScriptsIn(text)))
  })
})
