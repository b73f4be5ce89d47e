import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { variableOf } from '../../src/inputs.ts'
import { parseCommandFile } from '../e2e/support/action.ts'
import { inputVariables } from '../support/action-inputs.ts'

/** A CI, as a case of the table meets it: what the program is given there, and where the results are. */
export interface FaultHost {
  /** Makes what the CI has ready for a job, below the tree. @returns the environment */
  prepare(tree: string, inputs: Readonly<Record<string, string>>): Record<string, string>
  /** What was handed over, after the end. */
  results(tree: string): Results
  /** A line with which a message begins that ends the run. */
  readonly error: RegExp
}

export interface Results {
  /** Each place that must hold the access token, with what it holds; one is undefined where it is missing. */
  readonly tokens: Readonly<Record<string, string | undefined>>
  /** The new refresh token, where one was handed over. */
  readonly refreshToken: string | undefined
  /** All that there is, by name, but for a new refresh token. */
  readonly left: readonly string[]
}

const commandFiles = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY']

const github: FaultHost = {
  prepare(tree, inputs) {
    mkdirSync(join(tree, 'temp'))
    const files = Object.fromEntries(commandFiles.map((name) => [name, join(tree, name)]))
    for (const file of Object.values(files)) writeFileSync(file, '')
    return {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      RUNNER_TEMP: join(tree, 'temp'),
      GITHUB_WORKSPACE: tree,
      ...files,
      ...inputVariables(inputs),
    }
  },
  results(tree) {
    const read = (name: string) => parseCommandFile(readFileSync(join(tree, name), 'utf8'))
    const { 'refresh-token': refreshToken, ...outputs } = read('GITHUB_OUTPUT')
    const env = read('GITHUB_ENV')
    const file = outputs['git-credentials-file'] ?? ''
    return {
      tokens: {
        'the output': outputs['access-token'],
        'the variable': env['BITBUCKET_ACCESS_TOKEN'],
        'git-credentials': passwordIn(file),
      },
      refreshToken,
      left: [...Object.keys(outputs), ...Object.keys(env), ...namesIn(join(tree, 'temp'))],
    }
  },
  error: /^::error/,
}

const inDirectory = (given: Readonly<Record<string, string>>): FaultHost => ({
  prepare: (_, inputs) => ({
    ...given,
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [variableOf(name as 'url'), value])),
  }),
  results(tree) {
    const directory = join(tree, '.bitbucket-token')
    const read = (name: string) => {
      const file = join(directory, name)
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined
    }
    // The last line is there only where all before it are.
    const script = read('env.sh')
    const isWhole = script?.endsWith('\nunset bitbucket_token_n bitbucket_token_i\n') === true
    return {
      tokens: {
        'env.sh': isWhole ? /^export BITBUCKET_ACCESS_TOKEN='(.*)'$/m.exec(script ?? '')?.[1] : undefined,
        'git-credentials': passwordIn(join(directory, 'git-credentials')),
      },
      refreshToken: read('refresh-token')?.trim(),
      left: namesIn(directory).filter((name) => name !== 'refresh-token'),
    }
  },
  error: /^error: /,
})

export const hosts = {
  github,
  pipelines: inDirectory({ CI: 'true', BITBUCKET_BUILD_NUMBER: '7', BITBUCKET_PIPELINE_UUID: '{7}' }),
  shell: inDirectory({}),
} as const satisfies Record<string, FaultHost>
export type HostOfFault = keyof typeof hosts

/** The password in a file in the format of git's `store`; undefined where the file is missing or not whole. */
function passwordIn(file: string): string | undefined {
  const line = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const [, password] = /^https?:\/\/[^:@/\s]+:([^:@/\s]+)@[^:@/\s]+\n$/.exec(line) ?? []
  return password === undefined ? undefined : decodeURIComponent(password)
}

/** The names of all files below a directory. */
const namesIn = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true, recursive: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => entry.name)
    : []
