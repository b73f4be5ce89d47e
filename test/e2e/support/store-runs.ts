import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test as plainTest } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/index.ts'
import { inputVariables } from '../../support/action-inputs.ts'
import { makeStepFiles } from '../../support/runner-files.ts'
import { parseCommandFile } from './action.ts'
import { bundle, pathWithoutProject, processesBelow, shownOf } from './program.ts'
import { makeTree } from './run.ts'
import { learnIssued } from './secrets.ts'

const dieAt = new URL('./die-at.mjs', import.meta.url).href

/** The sandbox, and every token that it has issued. */
export interface Bitbucket extends Sandbox {
  readonly refreshTokens: string[]
  readonly accessTokens: string[]
}

export async function startBitbucket(options?: SandboxOptions): Promise<Bitbucket> {
  const sandbox = await startSandbox(options)
  const refreshTokens = [sandbox.credentials.refreshToken]
  const accessTokens: string[] = []
  const stopLearning = learnIssued((token, name) => {
    if (name === 'issued access token') accessTokens.push(token)
    if (name === 'issued refresh token') refreshTokens.push(token)
  })
  onTestFinished(async () => {
    stopLearning()
    await sandbox.close()
  })
  return { ...sandbox, refreshTokens, accessTokens }
}

/** `test` with a sandbox for each test that asks for it. */
export const test = plainTest.extend('bitbucket', () => startBitbucket())

export const liveOf = (bitbucket: Bitbucket): string[] =>
  bitbucket.refreshTokens.filter((token) => bitbucket.isLive(token))

export const refreshesOf = ({ requests }: Sandbox): number =>
  requests.filter(({ path }) => path.startsWith('/site/oauth2/')).length

export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Its working directory, which holds `.bitbucket-token`. */
  readonly cwd: string
}

export interface Start {
  readonly bitbucket: Bitbucket
  readonly env: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly cwd?: string
  readonly input?: string
  /** Kills it before its n-th boundary (see die-at.mjs). */
  readonly dieAt?: number
  /** The file to which its boundaries are written. */
  readonly dieLog?: string
  /** More values that must not show. */
  readonly secrets?: readonly string[]
  /** Set if stdout is meant to hold the token. */
  readonly isData?: true
  readonly onStart?: (child: ChildProcess) => void
}

/** Runs the bundle in a new process, and asserts that no secret shows. */
export async function run({ bitbucket, env, cwd = makeTree(), ...start }: Start): Promise<Finished> {
  mkdirSync(cwd, { recursive: true })
  const { clientId, clientSecret } = bitbucket.credentials
  const child = spawn(process.execPath, ['--import', dieAt, bundle, ...(start.args ?? [])], {
    cwd,
    env: {
      PATH: pathWithoutProject,
      TMPDIR: cwd,
      ...(env['INPUT_URL'] === undefined && {
        BITBUCKET_URL: bitbucket.url,
        BITBUCKET_API_URL: bitbucket.apiUrl,
        BITBUCKET_CLIENT_ID: clientId,
        BITBUCKET_CLIENT_SECRET: clientSecret,
      }),
      ...env,
      ...(start.dieAt !== undefined && { DIE_AT: String(start.dieAt) }),
      ...(start.dieLog !== undefined && { DIE_LOG: start.dieLog }),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => {})
  child.stdin.end(start.input ?? '')
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const commandLines = new Set<string>()
  const watch = setInterval(() => {
    for (const pid of processesBelow(child.pid)) commandLines.add(shownOf(pid, 'cmdline'))
  }, 5)
  start.onStart?.(child)
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('close', (...ended) => resolve(ended)),
  )
  clearInterval(watch)

  const { accessTokens, refreshTokens } = bitbucket
  const secrets = [clientSecret, ...accessTokens, ...refreshTokens, ...(start.secrets ?? [])]
  const unmasked = output.stdout.replace(/^(::add-mask::|password=).*$/gm, '')
  for (const [place, text] of Object.entries({
    stdout: start.isData ? '' : unmasked,
    stderr: output.stderr,
    'command lines': [...commandLines].join('\n'),
  })) {
    expect(shownIn(text, secrets), `secrets in ${place}`).toEqual([])
  }
  return { status, signal, ...output, cwd }
}

const pieceLength = 20

/** Returns the secrets of which a piece is in the text. */
export function shownIn(text: string, secrets: readonly string[]): string[] {
  if (text === '') return []
  const hasPiece = (secret: string) => {
    for (let start = 0; start + pieceLength <= secret.length; start += pieceLength / 2) {
      if (text.includes(secret.slice(start, start + pieceLength))) return true
    }
    return false
  }
  return secrets.filter((secret) => [secret, encodeURIComponent(secret)].some(hasPiece))
}

/**
 * Makes the files of a step of a GitHub job with a refresh token, and the variables that the runner sets for it.
 * @param more inputs that are added
 */
export function step(
  { url, apiUrl, credentials }: Sandbox,
  more: Readonly<Record<string, string>>,
): { env: Record<string, string>; outputs: () => Record<string, string> } {
  const temp = makeTree()
  const files = makeStepFiles(temp)
  return {
    env: {
      GITHUB_ACTIONS: 'true',
      RUNNER_TEMP: temp,
      ...files,
      ...inputVariables({
        url,
        'api-url': apiUrl,
        'client-id': credentials.clientId,
        'client-secret': credentials.clientSecret,
        'refresh-token': credentials.refreshToken,
        ...more,
      }),
    },
    outputs: () => parseCommandFile(readFileSync(files.GITHUB_OUTPUT, 'utf8')),
  }
}

/** Returns the access token that a run left in env.sh. */
export function exportedBy({ cwd }: Finished): string {
  const text = readFileSync(join(cwd, '.bitbucket-token/env.sh'), 'utf8')
  return /^export BITBUCKET_ACCESS_TOKEN='(.*)'$/m.exec(text)?.[1] ?? ''
}
