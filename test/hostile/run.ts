import { spawn } from 'node:child_process'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'

export interface Ended {
  readonly status: number | null
  /** stdout and stderr, in order of arrival. */
  readonly text: string
}

/** Runs `dist` without the checks of the end-to-end tests. Its environment is `env` and PATH. */
export function run(
  args: readonly string[],
  {
    cwd,
    env,
    stdin,
    node = process.execPath,
  }: {
    readonly cwd: string
    readonly env: Readonly<Record<string, string>>
    readonly stdin: string
    readonly node?: string
  },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [bundle, ...args], {
      cwd,
      env: { PATH: pathWithoutProject, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
    }
    child.once('error', reject).once('close', (status) => resolve({ status, text }))
    // The program may end without reading its input.
    child.stdin.on('error', () => {}).end(stdin)
  })
}
