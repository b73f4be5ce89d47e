/**
 * @module-tag git
 * @module-tag git-lfs
 * @module-tag dash
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newJob, runAction } from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { makeTree } from './support/run.ts'
import { environmentAfter, runShell } from './support/shell.ts'
import { startWorkspaces, type Workspaces, workIn } from './support/workspaces.ts'

type Variables = Readonly<Record<string, string>>

interface Place {
  readonly host: Workspaces
  readonly acme: Bitbucket
  readonly beta: Bitbucket
}

async function twoWorkspaces(): Promise<Place> {
  const [acme, beta] = [await startBitbucket(), await startBitbucket()]
  return { acme, beta, host: await startWorkspaces({ 'acme/website': acme, 'beta/app': beta }) }
}

const inputsOf = (bitbucket: Bitbucket, host: Workspaces, more: Variables): Record<string, string> => ({
  ...inputsFor.accessToken(bitbucket),
  url: host.url,
  'api-url': bitbucket.apiUrl,
  ...more,
})

/** Runs the action once for each workspace, and returns the variables of a later step. */
async function onGitHub({ host, acme, beta }: Place, paths: readonly [string, string], more: Variables = {}) {
  const job = newJob()
  await runAction({ bitbucket: acme, job, inputs: inputsOf(acme, host, { ...more, 'git-path': paths[0] }) })
  await runAction({ bitbucket: beta, job, inputs: inputsOf(beta, host, { ...more, 'git-path': paths[1] }) })
  return { env: job.env, directory: job.workspace }
}

/** Runs the program once for each workspace, and returns the variables of a shell that has sourced both env.sh. */
async function inShell({ host, acme, beta }: Place, paths: readonly [string, string], more: Variables = {}) {
  const tree = makeTree()
  for (const [index, bitbucket] of [acme, beta].entries()) {
    const inputs = inputsOf(bitbucket, host, { ...more, 'git-path': paths[index] ?? '' })
    await runShell({ bitbucket, tree, directory: `use-${index}`, inputs })
  }
  const script = `. "$1/use-0/.bitbucket-token/env.sh"; . "$1/use-1/.bitbucket-token/env.sh"`
  const directory = join(tree, 'work')
  mkdirSync(directory)
  return { env: await environmentAfter(script, tree), directory }
}

describe.each([
  ['on GitHub', onGitHub],
  ['in a shell', inShell],
] as const)('two workspaces of one host, %s', (_, start) => {
  test.each([
    ['workspaces', ['acme', 'beta']],
    ['a repository and a workspace', ['acme/website', 'beta']],
    ['all of Bitbucket and a workspace', ['', 'beta']],
    ['a workspace and all of Bitbucket', ['acme', '']],
  ] as const)('git and LFS use the credential of each: %s', async (_, paths) => {
    const place = await twoWorkspaces()
    const { env, directory } = await start(place, paths)
    await workIn(`${place.host.url}/acme/website.git`, 'website', env, directory)
    await workIn(`${place.host.url}/beta/app.git`, 'app', env, directory)
    // Each request carried the right credential at the first try.
    expect(place.acme.credentials.accessToken).not.toBe(place.beta.credentials.accessToken)
    expect(place.host.authorized.some((r) => r.includes('verify'))).toBe(true)
    expect(place.host.authorized.filter((request) => !/ -> 20\d$| -> 404$/.test(request))).toEqual([])
  })
})
