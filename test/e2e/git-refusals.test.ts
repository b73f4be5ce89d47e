/**
 * @module-tag git
 * @module-tag dash
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { passOn } from '../../scripts/pass-on.ts'
import { listening } from '../support/loopback.ts'
import { runAction } from './support/action.ts'
import { asVariables, type Bitbucket, inputsFor, test, tokenRequests } from './support/bitbucket.ts'
import { bundle } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { environmentAfter, git, runShell } from './support/shell.ts'

type Variables = Readonly<Record<string, string>>

/** A server that issues tokens and refuses all of them for git and LFS. */
interface Refusing {
  readonly url: string
  /** The requests for git or LFS that had a credential. */
  readonly refused: readonly string[]
  /** Accepts these paths from now on. */
  accept(path: RegExp): void
}

async function refusing(bitbucket: Bitbucket): Promise<Refusing> {
  const refused: string[] = []
  let accepted = /^$/
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    const path = req.url ?? ''
    if (!/\.git\//.test(path) || accepted.test(path)) {
      // Every address leads to the one repository of the sandbox.
      const there = path.replace(/^\/[^/]+\/[^/]+\.git\//, `/${bitbucket.repository}.git/`)
      return passOn(req, res, new URL(there, bitbucket.url))
    }
    if (req.headers.authorization) refused.push(`${req.method} ${path}`)
    const scheme = 'Basic realm="Bitbucket.org HTTP"'
    return res.writeHead(401, { 'www-authenticate': scheme, 'lfs-authenticate': scheme }).end()
  }
  return {
    url: await listening(createServer(answer)),
    refused,
    accept(path) {
      accepted = path
    },
  }
}

/** Makes a clone with a large file that git-lfs has not fetched yet. */
async function cloneWithPointer(directory: string, url: string): Promise<string> {
  await git(directory, {}, 'init', '--quiet', '--initial-branch=main', 'clone')
  const clone = join(directory, 'clone')
  writeFileSync(join(clone, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`
  writeFileSync(join(clone, 'large.bin'), pointer)
  await git(clone, {}, 'add', '.')
  await git(clone, {}, 'commit', '--quiet', '--message', 'A large file')
  await git(clone, {}, 'remote', 'add', 'origin', `${url}/acme/website.git`)
  return clone
}

interface Job {
  readonly env: Variables
  readonly directory: string
}

const given = (bitbucket: Bitbucket, { url }: Refusing) => ({
  ...inputsFor.consumer(bitbucket),
  url,
  'api-url': bitbucket.apiUrl,
})

const jobs: Readonly<Record<string, (bitbucket: Bitbucket, host: Refusing) => Promise<Job>>> = {
  async 'on GitHub'(bitbucket, host) {
    const { job } = await runAction({ bitbucket, inputs: given(bitbucket, host) })
    return { env: { RUNNER_TEMP: job.temp, ...job.env }, directory: job.workspace }
  },
  async 'in a shell that sourced env.sh'(bitbucket, host) {
    const { cwd, tree } = await runShell({ bitbucket, env: asVariables(given(bitbucket, host)) })
    const env = await environmentAfter('. "$1/.bitbucket-token/env.sh"', cwd)
    return { env: { ...env, TMPDIR: tree }, directory: cwd }
  },
  async 'with the git-credential command'(bitbucket, host) {
    const directory = makeTree()
    const env = {
      RUNNER_TEMP: directory,
      ...asVariables(given(bitbucket, host)),
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: `credential.${host.url}.helper`,
      GIT_CONFIG_VALUE_0: `!'${process.execPath}' '${bundle}' git-credential`,
      GIT_CONFIG_KEY_1: `lfs.${host.url}.access`,
      GIT_CONFIG_VALUE_1: 'basic',
    }
    return { env, directory }
  },
}

const threeTimes = /Bitbucket refused this (?:token|credential) 3 times, so git does not get it again/

describe.each(Object.entries(jobs))('a refused token, %s,', (_, start) => {
  test('is sent by git-lfs at most three times, then git-lfs ends with one message', {
    tags: ['git-lfs'],
  }, async ({ bitbucket }) => {
    const host = await refusing(bitbucket)
    const { env, directory } = await start(bitbucket, host)
    const clone = await cloneWithPointer(directory, host.url)
    for (const args of [
      ['lfs', 'fetch', 'origin'],
      ['lfs', 'push', '--all', 'origin'],
      ['lfs', 'pull'],
    ]) {
      await expect(git(clone, env, ...args)).rejects.toThrow(threeTimes)
    }
    expect(host.refused).toHaveLength(3)
    expect(tokenRequests(bitbucket)).toBe(1)
    expect(secretsIn(readdirSync(directory, { recursive: true }).join('\n'), bitbucket.secrets)).toEqual([])
  })

  test('is still used for another repository, and a success resets the count', async ({ bitbucket }) => {
    const host = await refusing(bitbucket)
    const { env, directory } = await start(bitbucket, host)
    host.accept(/^\/acme\/good\.git\//)
    const list = (name: string) => git(directory, env, 'ls-remote', `${host.url}/acme/${name}.git`)
    for (let round = 0; round < 3; round++) {
      await expect(list('bad')).rejects.toThrow(/Authentication failed/)
      await expect(list('bad')).rejects.toThrow(/Authentication failed/)
      expect(await list('good')).toContain('refs/heads/main')
    }
    for (let round = 0; round < 3; round++) await expect(list('bad')).rejects.toThrow(/Authentication failed/)
    await expect(list('bad')).rejects.toThrow(threeTimes)
    expect(host.refused).toHaveLength(9)
  })
})
