import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The directory outside the tree in which suites install the programs that they need. */
export const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'bitbucket-token')

interface Options {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** In milliseconds. */
  readonly timeout: number
}

/** Runs an installer. If it fails, throws an error with the last line of its output. */
export function runInstaller(file: string, args: readonly string[], { env, ...options }: Options): void {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    ...options,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  if (status === 0) return
  const last = `${stdout}\n${stderr}`.trim().split('\n').at(-1)
  throw new Error(`${file} failed: ${error?.message ?? last}`)
}
