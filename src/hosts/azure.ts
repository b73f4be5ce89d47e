import { addedToEnvironment, gitConfigSecrets } from '../git/config-environment.ts'
import { logSafeText } from '../log-safe.ts'
import { revealed, Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { Host, Log } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * Azure Pipelines, which takes logging commands (learn.microsoft.com, "Logging commands"). How an agent parses them:
 * microsoft/azure-pipelines-agent, Command.cs, CommandStringConvertor.cs and TaskCommandExtension.cs. The agent reads
 * both streams, so all text goes to stdout, in order with the commands.
 */
export function azure(world: World, path: string | undefined, debug: boolean): Host {
  const log = commandLog(world, debug)
  // The agent compares whole values with single lines, so each line of a secret must be masked on its own.
  const mask = (secret: Secret) => {
    const lines = secret.reveal().split(/[\r\n]/)
    for (const line of lines) if (line.trim() !== '') world.stdout(command('task.setsecret', line))
  }
  const host = outputDirectoryHost(world, {
    path,
    debug,
    log,
    emptySecretHint:
      'On Azure Pipelines a script gets a secret variable only if its step maps it: `env: { NAME: $(NAME) }`. A build of a fork gets no secrets unless the pipeline makes them available to forks.',
    passOn(results) {
      // The variables also contain the entries of other programs, so their secrets are masked too.
      for (const secret of gitConfigSecrets(world.env)) mask(secret)
      const git = addedToEnvironment(results.gitConfig, world.env, (entry) => entry.every(isUnchanged))
      const exported = [...results.variables, ...git].filter(([, value]) => isUnchanged(revealed(value)))
      for (const [name, value] of results.variables) {
        if (isUnchanged(revealed(value))) continue
        log.warning(`${name} is only in the file, because Azure Pipelines would change its value.`)
      }
      for (const [name, value] of exported) {
        const isSecret = value instanceof Secret
        world.stdout(command(`task.setvariable variable=${name};issecret=${isSecret}`, revealed(value)))
      }
      const mapped = exported
        .filter(([, value]) => value instanceof Secret)
        .map(([name]) => `${name}: $(${name})`)
        .join(', ')
      return `A later step gets the secret variables only if it maps them: env: { ${mapped} }.`
    },
  })
  return { ...host, mask, canMask: () => true }
}

/**
 * Whether the agent passes a value on unchanged. It rejects a secret of several lines, and replaces `$(name)` with the
 * value of the variable (TaskCommandExtension.cs, Variables.cs). A shell's `$(a command)` is safe because it contains a
 * space.
 */
const isUnchanged = (value: string): boolean => !/[\r\n]|\$\([^\s)]+\)/.test(value)

function commandLog({ stdout, env }: World, debug: boolean): Log {
  const issue = (type: string) => (text: string) =>
    stdout(command(`task.logissue type=${type}`, logSafeText(text)))
  return {
    info: (text) => stdout(`${logSafeText(text)}\n`),
    warning: issue('warning'),
    error: issue('error'),
    debug(text) {
      if (debug) stdout(`debug: ${logSafeText(text)}\n`)
      // The pipeline's own debug switch is the variable System.Debug.
      else if (env['SYSTEM_DEBUG']?.toLowerCase() === 'true') stdout(command('task.debug', logSafeText(text)))
    },
  }
}

/** Writes a command. The agent decodes the percent sign last, so it must be encoded first here. */
function command(name: string, data: string): string {
  const escaped = data
    .replaceAll('%', '%AZP25')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A')
    .replaceAll(']', '%5D')
    .replaceAll(';', '%3B')
  return `##vso[${name}]${escaped}\n`
}
