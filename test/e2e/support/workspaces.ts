import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import { listening } from '../../support/loopback.ts'
import type { Bitbucket } from './bitbucket.ts'
import { git } from './shell.ts'

/** A server with several workspaces, each with one repository and its own credentials. */
export interface Workspaces {
  /** The address for git. */
  readonly url: string
  /** Each request for git or LFS with a credential: method, path and status. */
  readonly authorized: readonly string[]
}

/**
 * Puts several sandboxes behind one address: `/acme/website.git` is the repository of the sandbox with the name
 * `acme/website`. Bitbucket's address that verifies large files names no workspace, so this server adds a number to it.
 */
export async function startWorkspaces(sandboxes: Readonly<Record<string, Bitbucket>>): Promise<Workspaces> {
  const authorized: string[] = []
  const names = Object.keys(sandboxes)
  const server = createServer((req, res) => {
    const path = req.url ?? ''
    const index = names.findIndex((name, number) =>
      [`/${name}.git`, `/${name}`, `/%7B%7D/${number}`].some((start) => path.startsWith(start)),
    )
    const bitbucket = sandboxes[names[index] ?? '']
    if (bitbucket === undefined) return void res.writeHead(404).end()
    const there = path
      .replace(`/${names[index]}`, `/${bitbucket.repository}`)
      .replace(`/%7B%7D/${index}`, '/%7B%7D/')
    res.once('finish', () => {
      if (req.headers.authorization) authorized.push(`${req.method} ${path} -> ${res.statusCode}`)
    })
    return passOn(req, res, new URL(there, bitbucket.url), (text) =>
      text.replaceAll(`${bitbucket.url}/%7B%7D/`, `${url}/%7B%7D/${index}`).replaceAll(bitbucket.url, url),
    )
  })
  const url = await listening(server)
  return { url, authorized }
}

/** Forwards a request and its answer, and changes the addresses in an LFS answer. */
function passOn(
  req: IncomingMessage,
  res: ServerResponse,
  target: URL,
  change: (text: string) => string,
): void {
  const headers = { ...req.headers, host: target.host }
  const onward = request(target, { method: req.method, headers }, (answer) => {
    if (!/git-lfs\+json/.test(answer.headers['content-type'] ?? '')) {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
      return
    }
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', (chunk) => {
      text += chunk
    })
    answer.on('end', () => {
      const { 'content-length': _, 'transfer-encoding': __, ...rest } = answer.headers
      res.writeHead(answer.statusCode ?? 502, rest).end(change(text))
    })
  })
  onward.on('error', () => res.destroy())
  req.pipe(onward)
}

/** The configuration that `git lfs install` writes. */
export const lfsFilters = [
  'filter.lfs.clean=git-lfs clean -- %f',
  'filter.lfs.smudge=git-lfs smudge -- %f',
  'filter.lfs.process=git-lfs filter-process',
  'filter.lfs.required=true',
].flatMap((setting) => ['-c', setting])

/** Lists a repository, clones it, commits and pushes a large file, and clones it again. */
export async function workIn(
  url: string,
  name: string,
  env: Readonly<Record<string, string>>,
  directory: string,
): Promise<void> {
  const run = (where: string, ...args: string[]) => git(join(directory, where), env, ...lfsFilters, ...args)
  expect(await run('.', 'ls-remote', url)).toContain('refs/heads/main')
  await run('.', 'clone', '--quiet', url, name)
  const content = randomBytes(5_000)
  writeFileSync(join(directory, name, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
  writeFileSync(join(directory, name, 'large.bin'), content)
  await run(name, 'add', '.')
  await run(name, 'commit', '--quiet', '--message', 'A large file')
  await run(name, 'lfs', 'push', 'origin', 'HEAD')
  await run(name, '-c', 'core.hooksPath=/dev/null', 'push', '--quiet', 'origin', 'HEAD')
  await run('.', 'clone', '--quiet', url, `${name}-again`)
  expect(readFileSync(join(directory, `${name}-again/large.bin`)).equals(content)).toBe(true)
}
