import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { variableOf } from '../../src/inputs.ts'
import { parseCommandFile } from '../e2e/support/action.ts'
import { inputVariables } from '../support/action-inputs.ts'
import { makeStepFiles } from '../support/runner-files.ts'

/** A CI: how it gives inputs to the program, and where the results are. */
export interface FaultHost {
  /** Creates the files that the CI provides for a job. @returns the environment */
  prepare(tree: string, inputs: Readonly<Record<string, string>>): Record<string, string>
  /** Reads the results after the run. */
  results(tree: string): Results
  /** Matches the start of the message that ends the run. */
  readonly error: RegExp
}

export interface Results {
  /** The access token in each place that must hold it; undefined if it is missing there. */
  readonly tokens: Readonly<Record<string, string | undefined>>
  /** The new refresh token, if one was handed over. */
  readonly refreshToken: string | undefined
  /** The names of all outputs, variables and files, except a new refresh token. */
  readonly left: readonly string[]
}

const github: FaultHost = {
  prepare(tree, inputs) {
    mkdirSync(join(tree, 'temp'))
    return {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      RUNNER_TEMP: join(tree, 'temp'),
      GITHUB_WORKSPACE: tree,
      ...makeStepFiles(tree),
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
    // If the last line is there, so are all others.
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

/** Reads the password from a file in git's `store` format; undefined if the file is missing or incomplete. */
function passwordIn(file: string): string | undefined {
  const line = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const [, password] = /^https?:\/\/[^:@/\s]+:([^:@/\s]+)@[^:@/\s]+\n$/.exec(line) ?? []
  return password === undefined ? undefined : decodeURIComponent(password)
}

/** Lists the names of all files below a directory. */
const namesIn = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true, recursive: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => entry.name)
    : []
