import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { expect } from 'vitest'
import { summaryText } from '../../support/summary-text.ts'
import type { Run } from './run.ts'
import { secretsIn } from './secrets.ts'

/** The files that may hold a secret, by name, and which secrets those are. */
const holders: Readonly<Record<string, RegExp>> = {
  'git-credentials': /^(issued access|api|access) token/,
  'env.sh': /^(issued access|api|access) token/,
  'refresh-token': /^issued refresh token/,
  'refresh-token.access': /^issued access token/,
  'access-token': /^issued access token/,
  GITHUB_ENV: /^(issued access|api|access) token/,
  GITHUB_OUTPUT: /^(issued access|issued refresh|api|access) token/,
}

type Observed = Pick<Run, 'signal' | 'stdout' | 'stderr' | 'commandLines' | 'childEnvironments' | 'tree'> & {
  readonly bitbucket: Pick<Run['bitbucket'], 'secrets'>
  /** Whether the children may hold the credential. */
  readonly givesToCommand?: true | undefined
}

/**
 * Asserts that no secret, given or issued, shows in any form in output, arguments, environments or files. Commands that
 * mask a secret and the files that exist to hold it are exceptions.
 * @param after `post` if the job is over, so only the runner's own files may still hold a secret
 */
export function assertNoSecret(
  { signal, stdout, stderr, commandLines, childEnvironments, tree, bitbucket, givesToCommand }: Observed,
  after?: 'post',
): void {
  const { secrets } = bitbucket
  const unmasked = stdout
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .join('\n')
  const places: [place: string, found: string[]][] = [
    ['stdout', secretsIn(unmasked, secrets)],
    ['stderr', secretsIn(stderr, secrets)],
    ['command lines', secretsIn(commandLines.join('\n'), secrets)],
    ...childEnvironments.map((text): [string, string[]] => {
      // Codefresh's own tool reads the values that it exports from its environment.
      const mayHold = givesToCommand || /^.*\bcf_export /.test(text) ? holders['env.sh'] : undefined
      return ["a child's environment", secretsIn(text, secrets).filter((secret) => !mayHold?.test(secret))]
    }),
  ]
  // A killed process cannot clean up; `post` does.
  for (const path of signal === 'SIGKILL' ? [] : filesBelow(tree)) {
    const name = basename(path)
    const mayHold = after === 'post' && !name.startsWith('GITHUB_') ? undefined : holders[name]
    const text = readFileSync(path, 'latin1')
    // Escapes must not hide a secret.
    const shown = name === 'GITHUB_STEP_SUMMARY' ? summaryText(text) : ''
    const found = secretsIn([path, text, shown].join('\n'), secrets)
    places.push([relative(tree, path), found.filter((secret) => !mayHold?.test(secret))])
  }
  expect(Object.fromEntries(places.filter(([, found]) => found.length > 0)), 'secrets shown').toEqual({})
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    const found = lstatSync(path)
    return found.isDirectory() ? filesBelow(path) : found.isFile() ? [path] : []
  })
}
