import { parseCommandLine } from './command-line.ts'
import { acquire } from './commands/acquire.ts'
import { check } from './commands/check.ts'
import { cleanup } from './commands/cleanup.ts'
import { dryRun } from './commands/dry-run.ts'
import type { ExecOptions } from './commands/exec.ts'
import { gitCredential } from './commands/git-credential.ts'
import { helpText } from './commands/help.ts'
import { print } from './commands/print.ts'
import type { Host } from './hosts/host.ts'
import { detectHost } from './hosts/index.ts'
import { plainLog } from './hosts/plain-log.ts'
import { rawInputsOfVariables } from './inputs.ts'
import { report } from './report.ts'
import { type CommandOptions, type Run, runCommand } from './run.ts'
import { version } from './version.ts'
import type { World } from './world.ts'

/**
 * Runs the command that the arguments name.
 * @param onHost is called with the CI as soon as it is known
 * @returns the exit status
 */
export async function runCommandLine(
  world: World,
  args: readonly string[],
  onHost: (host: Host) => void,
): Promise<number> {
  try {
    const line = parseCommandLine(args)
    const rawInputs = rawInputsOfVariables(world.env, line.flags)
    const options = { rawInputs, world, detected: detectHost(world.env), onHost }
    // People read the stdout of some commands, so the CI's log commands may go there. Programs read that of the others.
    const forPeople = (work: (run: Run) => void | Promise<void>) =>
      runCommand({ ...options, isStdoutData: false }, work)
    const forPrograms = (work: (run: Run) => void | Promise<void>) =>
      runCommand({ ...options, isStdoutData: true }, work)
    switch (line.name) {
      case 'help':
        world.stdout(helpText(line.about, world))
        return 0
      case 'version':
        world.stdout(`${version}\n`)
        return 0
      case 'acquire':
        if (line.dryRun) return await forPeople(dryRun)
        return await runCommand({ ...options, isStdoutData: false, summarizesFailure: true }, acquire)
      case 'cleanup':
        return await forPeople((run) => cleanup(run, line.all))
      case 'exec':
        return await runExec(line, options)
      case 'print':
        return await forPrograms((run) => print(run, line))
      case 'check':
        return await forPrograms((run) => check(run, line.format))
      case 'git-credential':
        return await forPrograms((run) => gitCredential(run, line.operation, world.stdin()))
      case 'authorize': {
        const { authorize } = await import('./commands/authorize.ts')
        return await forPrograms((run) => authorize(run, line.how))
      }
      case 'audit': {
        const { audit } = await import('./commands/audit.ts')
        return await audit(world, { ...line, path: line.operand })
      }
      case 'sandbox': {
        const { sandbox } = await import('./commands/sandbox.ts')
        return await sandbox(world, line.command)
      }
    }
  } catch (error) {
    return report(error, plainLog(world, false))
  }
}

type Options = Pick<CommandOptions, 'rawInputs' | 'world' | 'detected' | 'onHost'>

async function runExec(line: Omit<ExecOptions, 'onStart'>, options: Options): Promise<number> {
  const { exec } = await import('./commands/exec.ts')
  const { stderr } = options.world
  let isStarted = false
  // stdout belongs to COMMAND. CIs also read log commands, such as masks, from stderr, but only at the start of a line, and
  // COMMAND may have written half a line.
  const world = { ...options.world, stdout: (text: string) => stderr(isStarted ? `\n${text}` : text) }
  const onStart = () => {
    isStarted = true
  }
  return runCommand({ ...options, world, isStdoutData: false, summarizesFailure: true }, (run) =>
    exec(run, { ...line, onStart }),
  )
}
