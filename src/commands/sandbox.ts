import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { NotStarted } from '../exec/child.ts'
import { shellQuote } from '../hosts/shell-quote.ts'
import { withoutCredentials } from '../inputs.ts'
import { logSafeText } from '../log-safe.ts'
import { startSandbox } from '../sandbox/index.ts'
import type { World } from '../world.ts'

/**
 * Runs the sandbox until a signal stops it. If a command is given, runs the sandbox as long as the command runs. The command's
 * environment contains the variables of a ready-made OAuth client.
 * @returns the exit status, which is that of the command if there is one
 */
export async function sandbox(world: World, command: readonly string[]): Promise<number> {
  const server = await startSandbox()
  try {
    return await (command.length === 0 ? printVariables(server, world) : runAgainst(server, command, world))
  } finally {
    await server.close()
  }
}

type Sandbox = Awaited<ReturnType<typeof startSandbox>>

/** Prints the variables on stdout, where a shell can evaluate them, and explains them on stderr. Waits for a signal. */
function printVariables(server: Sandbox, world: World): Promise<number> {
  for (const [name, value] of Object.entries(server.environment())) {
    world.stdout(`export ${name}=${shellQuote(value)}\n`)
  }
  world.stderr(
    [
      `An embedded Bitbucket listens on ${server.url}. All its credentials are made up. Press Ctrl-C to stop it.`,
      'Paste the lines above into another shell. Then run, for example:',
      '  bitbucket-token && . .bitbucket-token/env.sh',
      `  git clone ${server.url}/${server.repository}.git`,
      '',
    ].join('\n'),
  )
  return new Promise((resolve) => {
    if (world.stop.aborted) resolve(0)
    world.stop.addEventListener('abort', () => resolve(0), { once: true })
  })
}

function runAgainst(server: Sandbox, [file = '', ...args]: readonly string[], world: World): Promise<number> {
  return new Promise((resolve) => {
    // A real credential of the user would be sent to the sandbox, or conflict with the sandbox's own.
    const env = { ...withoutCredentials(world.env), ...server.environment() }
    const child = spawn(file, args, { stdio: 'inherit', env })
    world.stop.addEventListener('abort', () => child.kill(), { once: true })
    child.on('error', (error) => {
      world.stderr(`error: ${logSafeText(`Could not start ${file}: ${error.message}`)}\n`)
      resolve(new NotStarted(error).status)
    })
    child.on('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}
