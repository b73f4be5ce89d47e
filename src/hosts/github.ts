import { appendFileSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import {
  addedToWholeEnvironment,
  entriesIn,
  type GitConfigEntry,
  secretsIn,
} from '../git/config-environment.ts'
import { joinSharedConfig, leaveSharedConfig } from '../git/shared-config.ts'
import { inertText } from '../inert.ts'
import { Secret } from '../secret.ts'
import { appendWhole, makePrivateDirectory, removePrivateDirectory, writeSecretFile } from '../secret-file.ts'
import type { World } from '../world.ts'
import { type Host, type Log, revealed, type Summary } from './host.ts'

/**
 * GitHub Actions, and Gitea or Forgejo Actions, which speak the same. Workflow commands: docs.github.com,
 * "Workflow commands for GitHub Actions"; how a runner reads them: actions/runner, ActionCommand.cs and
 * FileCommandManager.cs.
 * @param options `masksLiterally`: some of this CI's runners take the value of `add-mask` as it is, escapes included
 */
export function github(world: World, debug: boolean, { masksLiterally = false } = {}): Host {
  let directory: string | undefined
  let use: string | undefined
  const mask = (secret: Secret) => {
    const value = secret.reveal()
    world.stdout(command('add-mask', value))
    // The percent-encoded form of a secret, say.
    if (masksLiterally && value.includes('%') && !/[\r\n]/.test(value)) world.stdout(`::add-mask::${value}\n`)
  }
  return {
    log: workflowLog(world, debug),
    whyEmpty:
      'On GitHub a secret is empty where it does not exist under that name, in workflows that a fork or Dependabot started (they get no repository secrets), and in a reusable workflow without `secrets: inherit`.',
    // The runner empties its temporary directory before each job.
    prepare() {},
    // The runner then hides the value, each line of it and some encodings in everything it logs from now on.
    mask,
    keep(name, secret) {
      append(world, 'GITHUB_OUTPUT', new Map([[name, secret]]))
      return `the output ${name} of this step`
    },
    writeSecretFile(name, content) {
      if (directory === undefined) {
        const temporary = required(world, 'RUNNER_TEMP')
        const path = join(temporary, `${directoryPrefix}${world.uniqueName()}`)
        remember(world, stateNames.directory, path)
        requireDirectory(temporary)
        makePrivateDirectory(path, world)
        directory = path
      }
      return writeSecretFile(directory, name, content)
    },
    handOver({ variables, outputs, gitConfig }) {
      append(world, 'GITHUB_OUTPUT', outputs)
      const entries: GitConfigEntry[] = []
      if (gitConfig.length > 0) {
        const temporary = required(world, 'RUNNER_TEMP')
        const name = world.uniqueName()
        remember(world, stateNames.gitConfig, name)
        requireDirectory(temporary)
        use = name
        // The runner translates a value that is a path for container actions (actions/runner, ContainerInfo.cs).
        entries.push(['include.path', joinSharedConfig(temporary, name, gitConfig, world)])
        // The runner shows the variables of each later step in its log.
        for (const secret of secretsIn(entriesIn(world.env))) mask(secret)
      }
      // What later steps get without asking comes last, when nothing can fail any more.
      append(world, 'GITHUB_ENV', new Map([...variables, ...addedToWholeEnvironment(entries, world.env)]))
      return undefined
    },
    summarize(summary) {
      const file = world.env['GITHUB_STEP_SUMMARY']
      if (!file) return
      // If nobody reads the pipe, opening it would never return.
      if (statSync(file, { throwIfNoEntry: false })?.isFIFO()) throw new Error(`${file} is a named pipe`)
      appendFileSync(file, markdown(summary))
    },
    discard() {
      if (directory !== undefined) removePrivateDirectory(directory)
      if (use !== undefined) leaveSharedConfig(required(world, 'RUNNER_TEMP'), use, world)
    },
  }
}

/**
 * What `main` tells `post`. A process that another action starts inherits that action's state, and `isPost` is what most
 * actions call theirs (actions/checkout: state-helper.ts), so the names are our own.
 */
const stateNames = {
  main: 'bitbucket_token_main',
  directory: 'bitbucket_token_directory',
  gitConfig: 'bitbucket_token_git_config',
} as const
const mainStarted = 'started'

/**
 * Tells the runner that the next run of this action in this step is `post`. `main` and `post` are the same file, and
 * `post` runs even if `main` failed at once, so this comes before anything else.
 */
export function rememberMain(world: World): void {
  remember(world, stateNames.main, mainStarted)
}

/** Whether the runner started this process for `post`. */
export const isPost = (env: World['env']): boolean => stateIn(env, stateNames.main) === mainStarted

const stateIn = (env: World['env'], name: string): string | undefined => env[`STATE_${name}`]

/**
 * Removes what `main` made, as `post`: only a directory that its state names, and only one of ours in the runner's
 * temporary directory. A failed clean-up is a warning, because the runner empties that directory anyway.
 * @returns the exit status, always 0
 */
export function cleanUp(world: World): number {
  const log = workflowLog(world, false)
  removeCredentials(world, log)
  leaveGitConfig(world, log)
  return 0
}

function removeCredentials(world: World, log: Log): void {
  const directory = stateIn(world.env, stateNames.directory)
  try {
    if (!directory) log.info('There is nothing to remove: this step wrote no git-credentials file.')
    else if (!isOurs(directory, world.env))
      throw new Error(`${directory} is not a directory that this action makes`)
    else if (removePrivateDirectory(directory)) log.info('The git-credentials file was removed.')
    else log.info('There is nothing to remove: the git-credentials file is already gone.')
  } catch (error) {
    log.warning(`The git-credentials file was not removed: ${reasonOf(error)}`)
  }
}

/** A failed clean-up is a warning here too. */
function leaveGitConfig(world: World, log: Log): void {
  const [use, temporary] = [stateIn(world.env, stateNames.gitConfig), world.env['RUNNER_TEMP']]
  if (!use || !temporary) return
  try {
    if (leaveSharedConfig(temporary, use, world)) log.info("git's configuration was removed.")
  } catch (error) {
    log.warning(reasonOf(error))
  }
}

/**
 * Returns the directories that steps of this job have made without `uses:`, and so without a `post`. The runner empties
 * its temporary directory for each job, so none there is another job's.
 */
export function directoriesOfEarlierSteps({ RUNNER_TEMP: temporary }: World['env']): string[] {
  if (!temporary) return []
  try {
    return readdirSync(temporary)
      .filter((name) => isOurName(name))
      .map((name) => join(temporary, name))
  } catch {
    return []
  }
}

/** A directory's name as {@link github} makes it; others of ours have words behind the prefix. */
const isOurName = (name: string): boolean =>
  name.startsWith(directoryPrefix) &&
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name.slice(directoryPrefix.length))

/** Whether it is a directory that {@link github} makes: in the runner's temporary directory, under our name. */
const isOurs = (directory: string, env: World['env']): boolean =>
  Boolean(env['RUNNER_TEMP']) &&
  dirname(resolve(directory)) === resolve(env['RUNNER_TEMP'] ?? '') &&
  basename(directory).startsWith(directoryPrefix)

/** actions/checkout deletes `git-credentials-<hex>.config` under RUNNER_TEMP; nothing of ours is named so. */
const directoryPrefix = 'bitbucket-token-'

/** People's text as workflow commands. */
export function workflowLog(world: World, debug: boolean): Log {
  const annotate = (name: string) => (text: string) =>
    world.stdout(command(`${name} title=bitbucket-token`, inertText(text)))
  return {
    info: (text) => world.stdout(`${inertText(text)}\n`),
    warning: annotate('warning'),
    error: annotate('error'),
    debug(text) {
      if (debug) world.stdout(`debug: ${inertText(text)}\n`)
      // The runner's own switch ("Enable debug logging"), under which it shows these.
      else if (world.env['RUNNER_DEBUG'] === '1') world.stdout(command('debug', inertText(text)))
    },
  }
}

function command(name: string, data: string): string {
  return `::${name}::${data.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}\n`
}

/**
 * Adds to the state that `post` gets back. Written before the effect, so a run killed between the two is cleaned up. The
 * command line has no `post`, and no GITHUB_STATE (main.ts).
 */
function remember(world: World, name: string, value: string): void {
  if (world.env['GITHUB_STATE']) append(world, 'GITHUB_STATE', new Map([[name, value]]))
}

/** All of them or none: a runner fails at half a value, and may show it. */
function append(world: World, variable: string, values: ReadonlyMap<string, string | Secret>): void {
  if (values.size === 0) return
  const lines = [...values].map(([name, value]) => {
    const text = revealed(value)
    // No value may end its block and smuggle in a variable of its own.
    let delimiter = `ghadelimiter_${world.uniqueName()}`
    while (text.includes(delimiter)) delimiter += '_'
    return `${name}<<${delimiter}\n${text}\n${delimiter}\n`
  })
  const file = required(world, variable)
  try {
    appendWhole(file, new Secret(lines.join('')))
  } catch (error) {
    throw new TokenError(
      'file',
      `${variable} could not be written: ${reasonOf(error)}.`,
      "The runner's own file is not writable: look at the disk and at the runner.",
      error,
    )
  }
}

function requireDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  throw new TokenError(
    'host',
    `RUNNER_TEMP is ${path}, where no directory is.`,
    'Look at how this runner is set up: it makes that directory for every job.',
  )
}

function required(world: World, variable: string): string {
  const value = world.env[variable]
  if (value) return value
  throw new TokenError(
    'host',
    `${variable} is not set, which GitHub promises to every step.`,
    'Run this as a step of a job; to use it elsewhere, set BITBUCKET_CI=shell.',
  )
}

function markdown({ heading, rows }: Summary): string {
  const escapeMarkdown = (text: string) =>
    text.replace(/[\\`*_{}[\]<>#|~!&]/g, (character) => `&#${character.charCodeAt(0)};`)
  return [
    `### ${escapeMarkdown(heading)}`,
    '',
    '| | |',
    '| --- | --- |',
    ...rows.map(([name, value]) => `| ${escapeMarkdown(name)} | ${escapeMarkdown(value)} |`),
    '',
    '',
  ].join('\n')
}
