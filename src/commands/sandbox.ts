import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { shellQuote } from '../hosts/shell-quote.ts'
import { inertText } from '../inert.ts'
import { withoutCredentials } from '../inputs.ts'
import { startSandbox } from '../sandbox/index.ts'
import type { World } from '../world.ts'

/**
 * Runs the sandbox until it is told to stop; or, given a command, for as long as that runs, with the variables
 * of a ready-made OAuth consumer in its environment.
 * @returns the exit status: the command's own where there is one
 */
export async function sandbox(world: World, command: readonly string[]): Promise<number> {
  const server = await startSandbox()
  try {
    return await (command.length === 0 ? announce(server, world) : runAgainst(server, command, world))
  } finally {
    await server.close()
  }
}

type Sandbox = Awaited<ReturnType<typeof startSandbox>>

/** stdout holds what a shell can evaluate and nothing else; people read stderr. */
function announce(server: Sandbox, world: World): Promise<number> {
  for (const [name, value] of Object.entries(server.environment())) {
    world.stdout(`export ${name}=${shellQuote(value)}\n`)
  }
  world.stderr(
    [
      `An embedded Bitbucket listens on ${server.url}; all its credentials are made up. Ctrl-C ends it.`,
      'In another shell, paste the lines above, then for example:',
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
    // A real credential of the caller's would be used against the sandbox, or contradict what the sandbox gives.
    const env = { ...withoutCredentials(world.env), ...server.environment() }
    const child = spawn(file, args, { stdio: 'inherit', env })
    world.stop.addEventListener('abort', () => child.kill(), { once: true })
    child.on('error', (error) => {
      world.stderr(`error: ${inertText(`${file} could not be started: ${error.message}`)}\n`)
      resolve(127)
    })
    child.on('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}
