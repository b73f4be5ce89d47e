import { addedToEnvironment, entriesIn, secretsIn } from '../git/config-environment.ts'
import { inertText } from '../inert.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { type Host, type Log, revealed } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/**
 * Azure Pipelines. Logging commands: learn.microsoft.com, "Logging commands"; how an agent reads them:
 * microsoft/azure-pipelines-agent, Command.cs, CommandStringConvertor.cs and TaskCommandExtension.cs. The agent reads
 * both streams, so all text goes to stdout, among the commands and in their order.
 */
export function azure(world: World, path: string | undefined, debug: boolean): Host {
  const log = commandLog(world, debug)
  const host = outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    log,
    whyEmpty:
      'On Azure Pipelines a script gets a secret variable only if its step maps it: `env: { NAME: $(NAME) }`. A build of a fork gets no secrets unless the pipeline makes them available to forks.',
  })
  // The agent hides each value as a whole, and looks for it line by line.
  const mask = (secret: Secret) => {
    const lines = secret.reveal().split(/[\r\n]/)
    for (const line of lines) if (line.trim() !== '') world.stdout(command('task.setsecret', line))
  }
  return {
    ...host,
    mask,
    handOver(results) {
      const inThisShell = host.handOver(results)
      if (inThisShell === undefined) return undefined
      // Other programs' entries are handed on as well, so their secrets are hidden too.
      for (const secret of secretsIn(entriesIn(world.env))) mask(secret)
      const git = addedToEnvironment(results.gitConfig, world.env, (entry) => entry.every(isCarried))
      const carried = [...results.variables, ...git].filter(([, value]) => isCarried(revealed(value)))
      for (const [name, value] of results.variables) {
        if (isCarried(revealed(value))) continue
        log.warning(`${name} is only in the file, because Azure Pipelines would change its value.`)
      }
      for (const [name, value] of carried) {
        const isSecret = value instanceof Secret
        world.stdout(command(`task.setvariable variable=${name};issecret=${isSecret}`, revealed(value)))
      }
      const mapped = carried
        .filter(([, value]) => value instanceof Secret)
        .map(([name]) => `${name}: $(${name})`)
        .join(', ')
      return `A later step gets the secret variables only if it maps them: env: { ${mapped} }. ${inThisShell}`
    },
  }
}

/**
 * A secret of several lines is an error to the agent, and it puts the value of a variable in place of `$(itsName)`
 * (TaskCommandExtension.cs, Variables.cs). A shell's `$(a command)` names no variable, for it has a blank.
 */
const isCarried = (value: string): boolean => !/[\r\n]|\$\([^\s)]+\)/.test(value)

function commandLog({ stdout, env }: World, debug: boolean): Log {
  const issue = (type: string) => (text: string) =>
    stdout(command(`task.logissue type=${type}`, inertText(text)))
  return {
    info: (text) => stdout(`${inertText(text)}\n`),
    warning: issue('warning'),
    error: issue('error'),
    debug(text) {
      if (debug) stdout(`debug: ${inertText(text)}\n`)
      // The pipeline's own switch, the variable System.Debug.
      else if (env['SYSTEM_DEBUG']?.toLowerCase() === 'true') stdout(command('task.debug', inertText(text)))
    },
  }
}

/** The agent undoes these in any order but for the percent sign, which comes last. */
function command(name: string, data: string): string {
  const escaped = data
    .replaceAll('%', '%AZP25')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A')
    .replaceAll(']', '%5D')
    .replaceAll(';', '%3B')
  return `##vso[${name}]${escaped}\n`
}
