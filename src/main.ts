import { acquire } from './commands/acquire.ts'
import { TokenError } from './errors.ts'
import { cleanUpInPost, isPost, rememberMain } from './hosts/github.ts'
import type { Host } from './hosts/host.ts'
import { detectHost } from './hosts/index.ts'
import { plainLog } from './hosts/plain-log.ts'
import { isAction, rawInputsOfAction, withoutActionInputs } from './inputs.ts'
import { report } from './report.ts'
import { runCommand } from './run.ts'
import type { World } from './world.ts'

/**
 * Runs the action or the command line. Arguments decide first, because a child process inherits variables, but no arguments.
 * @param onHost is called with the CI as soon as it is known, so that its files can be removed after a crash
 * @returns the exit status
 */
export async function main(
  world: World,
  args: readonly string[],
  onHost: (host: Host) => void,
): Promise<number> {
  const asAction = args.length === 0 && isAction(world.env)
  if (asAction && isPost(world.env)) return cleanUpInPost(world)
  if (world.cwd === '') return report(noWorkingDirectory(), plainLog(world, false))
  if (asAction) return runAction(world, onHost)
  const { runCommandLine } = await import('./cli.ts')
  return runCommandLine(world, args, onHost)
}

const noWorkingDirectory = () =>
  new TokenError(
    'input',
    'The working directory was removed.',
    'Change to a directory that exists, then run it again.',
  )

async function runAction(world: World, onHost: (host: Host) => void): Promise<number> {
  const notRemembered = tryToRememberMain(world)
  const env = withoutActionInputs(world.env)
  const options = {
    rawInputs: rawInputsOfAction(world.env),
    world: { ...world, env },
    detected: detectHost(env),
    isStdoutData: false,
    summarizesFailure: true,
    onHost,
  }
  return runCommand(options, (run) => {
    if (notRemembered !== undefined) throw notRemembered
    return acquire(run)
  })
}

/** Saves the state for `post`. Returns the error if that fails, so that the run can report it. */
function tryToRememberMain(world: World): unknown {
  try {
    rememberMain(world)
    return undefined
  } catch (error) {
    return error
  }
}
