import { acquire } from './commands/acquire.ts'
import { cutLines, messageOf, quoteForLog, TokenError } from './errors.ts'
import { cleanUp, isPost, rememberMain, workflowLog } from './hosts/github.ts'
import type { Host, Log } from './hosts/host.ts'
import { detectHost, type HostName, openHost } from './hosts/index.ts'
import { plainLog } from './hosts/plain-log.ts'
import { refuseTellingNode } from './http/node-debug.ts'
import {
  type GivenInputs,
  givenByVariables,
  givenSecrets,
  givenToAction,
  guessHostInputs,
  isAction,
  withoutActionInputs,
  withoutCredentials,
} from './inputs.ts'
import { hide, inputsOnce, type Run } from './run.ts'
import { Redactor, travelingForms } from './secret.ts'
import { ReaderGone, type World } from './world.ts'

/**
 * Which verb, on which host.
 * @param onHost gets the host as soon as there is one: who ends the run from outside has it take back what it made
 * @returns the exit status
 */
export async function main(
  world: World,
  args: readonly string[],
  onHost: (host: Host) => void,
): Promise<number> {
  const withHost = (...how: Work) => workAtHost(onHost, ...how)
  // Variables are inherited and arguments are not, so arguments decide first.
  if (args.length === 0 && isAction(world.env)) {
    if (isPost(world.env)) return cleanUp(world)
    try {
      rememberMain(world)
    } catch (error) {
      return report(error, workflowLog(world, false))
    }
    const given = givenToAction(world.env)
    const env = withoutActionInputs(world.env)
    return withHost(given, { ...world, env }, detectHost(env), acquire)
  }
  try {
    const { parseCommandLine } = await import(/* webpackChunkName: "command-line" */ './command-line.ts')
    const line = parseCommandLine(args)
    const given = givenByVariables(world.env, line.flags)
    const detected = detectHost(world.env)
    switch (line.verb) {
      case 'help':
        world.stdout(
          (await import(/* webpackChunkName: "command-line" */ './commands/help.ts')).helpText(
            line.about,
            world,
          ),
        )
        return 0
      case 'version':
        world.stdout(`${(await import(/* webpackChunkName: "command-line" */ './version.ts')).version}\n`)
        return 0
      case 'sandbox':
        return await (await import(/* webpackChunkName: "sandbox" */ './commands/sandbox.ts')).sandbox(
          world,
          line.command,
        )
      case 'audit': {
        const { audit } = await import(/* webpackChunkName: "desk" */ './commands/audit.ts')
        return await audit(world, { ...line, path: line.operand })
      }
      case 'git-credential': {
        const { operation } = line
        const { gitCredential } = await import(/* webpackChunkName: "verbs" */ './commands/git-credential.ts')
        return await withHost(
          given,
          world,
          detected,
          (run) => gitCredential(run, operation, world.stdin()),
          'stdout is data',
        )
      }
      case 'print': {
        const { print } = await import(/* webpackChunkName: "verbs" */ './commands/print.ts')
        return await withHost(given, world, detected, (run) => print(run, line.format), 'stdout is data')
      }
      case 'check': {
        const { check } = await import(/* webpackChunkName: "verbs" */ './commands/check.ts')
        return await withHost(given, world, detected, (run) => check(run, line.format), 'stdout is data')
      }
      case 'cleanup': {
        const { cleanup } = await import(/* webpackChunkName: "verbs" */ './commands/cleanup.ts')
        return await withHost(given, world, detected, (run) => cleanup(run, line.all))
      }
      case 'authorize': {
        const { authorize } = await import(/* webpackChunkName: "desk" */ './commands/authorize.ts')
        return await withHost(given, world, detected, (run) => authorize(run, line.how), 'stdout is data')
      }
      case 'acquire': {
        const work = line.dryRun
          ? (await import(/* webpackChunkName: "verbs" */ './commands/dry-run.ts')).dryRun
          : acquire
        return await withHost(given, world, detected, work)
      }
    }
  } catch (error) {
    return report(error, plainLog(world, false))
  }
}

/** What a verb does; `stdout is data` where another program reads it: then the host writes nothing there, not even a mask. */
type Work = [
  given: GivenInputs,
  world: World,
  detected: HostName,
  work: (run: Run) => void | Promise<void>,
  stdout?: 'stdout is data',
]

/** Opens the host, hides what is secret in the inputs, and does the work of a verb. */
async function workAtHost(
  onHost: (host: Host) => void,
  ...[given, world, detected, work, stdout]: Work
): Promise<number> {
  const { ci, debug, 'output-dir': outputDir } = guessHostInputs(given)
  const hostName = ci === 'auto' ? detected : ci
  // A host starts its CI's own tools, which need no credential but what they are handed.
  const env = withoutCredentials(world.env)
  // As the command line, this process may have been started by another action, whose state that is.
  if (given.from !== 'action') delete env['GITHUB_STATE']
  const host = await openHost(hostName, { ...world, env }, { outputDir, debug })
  onHost(host)
  const quiet = stdout === undefined ? {} : { log: plainLog(world, debug), mask() {} }
  const redactor = new Redactor()
  const parts: Omit<Run, 'inputs'> = {
    world,
    given,
    redactor,
    announced: new Set<string>(),
    deferred: [],
    hostName,
    host: withoutSecrets({ ...host, ...quiet }, redactor),
  }
  const run: Run = { ...parts, inputs: inputsOnce(parts) }
  const tell = (error: unknown) => report(error, run.host.log, (text) => redactor.quote(text))
  try {
    refuseTellingNode(world.env)
    hide(
      givenSecrets(given).flatMap((secret) => travelingForms(secret)),
      run,
    )
    await work(run)
  } catch (error) {
    const statuses = [...run.deferred, error].map(tell)
    return statuses.find((status) => status !== 141) ?? 141
  }
  return run.deferred.map(tell)[0] ?? 0
}

/** A host that shows no person a secret, nor a text without end. */
function withoutSecrets(host: Host, redactor: Redactor): Host {
  const clean = (text: string) => cutLines(redactor.clean(text))
  const { log } = host
  return {
    ...host,
    log: {
      info: (text) => log.info(clean(text)),
      warning: (text) => log.warning(clean(text)),
      error: (text) => log.error(clean(text)),
      debug: (text) => log.debug(clean(text)),
    },
    summarize: ({ heading, rows }) =>
      host.summarize({ heading, rows: rows.map(([name, value]) => [name, clean(value)]) }),
  }
}

/**
 * Says what happened and what to do next. A log that cannot be written changes no exit status.
 * @returns the exit status
 */
function report(error: unknown, log: Log, quote = quoteForLog): number {
  // 128 and the number of SIGPIPE, by which other programs end here, and as silently.
  if (error instanceof ReaderGone) return 141
  try {
    if (error instanceof TokenError) log.error(`${error.message}\n${error.nextStep}`)
    else
      log.error(
        `Something unexpected failed: ${quote(messageOf(error))}\nPlease report it, with the output of debug: true.`,
      )
    if (error instanceof TokenError) log.debug(error.stack ?? '')
    // Its first lines are the message, which may be anything.
    else if (error instanceof Error) log.debug((error.stack ?? '').split('\n').map(quote).join('\n'))
  } catch {
    // On some CIs the log is stdout, which nobody may read any more.
  }
  return error instanceof TokenError ? error.exitStatus : 1
}
