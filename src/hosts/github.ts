import { appendFileSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { addedToWholeEnvironment, type GitConfigEntry, gitConfigSecrets } from '../git/config-environment.ts'
import { joinSharedConfig, leaveSharedConfig } from '../git/shared-config.ts'
import { logSafeText } from '../log-safe.ts'
import { revealed, Secret } from '../secret.ts'
import { appendWhole, makePrivateDirectory, removePrivateDirectory, writeSecretFile } from '../secret-file.ts'
import type { World } from '../world.ts'
import * as core from './actions-core.ts'
import type { Host, Log, Summary } from './host.ts'

/**
 * GitHub Actions, and also Gitea Actions and Forgejo Actions, which use the same commands and files. Documented at
 * docs.github.com, "Workflow commands for GitHub Actions"; the runner reads them in actions/runner, ActionCommand.cs and
 * FileCommandManager.cs.
 *
 * @actions/core writes the commands to the log. It does not write the files, for the reasons that
 * test/hosts/github-core.test.ts shows.
 * @param options `masksLiterally`: some runners of this CI do not unescape the value of `add-mask`
 */
export function github(world: World, debug: boolean, { masksLiterally = false } = {}): Host {
  let directory: string | undefined
  let nameInSharedConfig: string | undefined
  const mask = (secret: Secret) => {
    const value = secret.reveal()
    core.setSecret(world, value)
    // core writes `%` as `%25`, and these runners do not undo that, so the value is masked once more as it is.
    if (masksLiterally && value.includes('%') && !/[\r\n]/.test(value)) world.stdout(`::add-mask::${value}\n`)
  }
  /** Writes the entries to the job's shared file. @returns the entry that includes the file */
  const shareGitConfig = (entries: readonly GitConfigEntry[]): GitConfigEntry => {
    const temporary = required(world, 'RUNNER_TEMP')
    const name = world.uniqueName()
    remember(world, stateNames.gitConfig, name)
    requireDirectory(temporary)
    nameInSharedConfig = name
    // For container actions, the runner translates a variable whose whole value is a path (actions/runner, ContainerInfo.cs).
    return ['include.path', joinSharedConfig(temporary, name, entries, world)]
  }
  return {
    log: workflowLog(world, debug),
    emptySecretHint:
      'On GitHub a secret is empty if no secret has that name, in workflows that a fork or Dependabot started (they get no repository secrets), and in a reusable workflow without `secrets: inherit`.',
    // There is nothing to do, because the runner empties its temporary directory before each job.
    prepare() {},
    // From now on the runner hides the value in its log, and each line and some encodings of the value too.
    mask,
    canMask: () => true,
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
      const entries = gitConfig.length > 0 ? [shareGitConfig(gitConfig)] : []
      const gitVariables = addedToWholeEnvironment(entries, world.env)
      // They repeat the entries of other programs, and the runner shows the variables of each later step in its log.
      if (gitVariables.size > 0) for (const secret of gitConfigSecrets(world.env)) mask(secret)
      // Later steps get these variables automatically, so they come last, when nothing else can fail.
      append(world, 'GITHUB_ENV', new Map([...variables, ...gitVariables]))
      return undefined
    },
    summarize(summary) {
      const file = world.env['GITHUB_STEP_SUMMARY']
      if (!file) return
      // Opening a named pipe would block forever if nobody reads it.
      if (statSync(file, { throwIfNoEntry: false })?.isFIFO()) throw new Error(`${file} is a named pipe`)
      appendFileSync(file, markdown(summary))
    },
    discard() {
      try {
        if (directory !== undefined) removePrivateDirectory(directory)
      } finally {
        if (nameInSharedConfig !== undefined)
          leaveSharedConfig(required(world, 'RUNNER_TEMP'), nameInSharedConfig, world)
      }
    },
  }
}

/**
 * The names of the state that `main` saves for `post`. They start with our name, because most actions call theirs `isPost`
 * (actions/checkout: state-helper.ts). If such an action starts this program, the program inherits that state.
 */
const stateNames = {
  main: 'bitbucket_token_main',
  directory: 'bitbucket_token_directory',
  gitConfig: 'bitbucket_token_git_config',
} as const
const mainStarted = 'started'

/**
 * Saves the state by which `post` recognizes itself, because `main` and `post` are the same file. `main` must call this first,
 * because `post` runs even if `main` fails at once.
 */
export function rememberMain(world: World): void {
  remember(world, stateNames.main, mainStarted)
}

/** Whether the runner started this process as `post`. */
export const isPost = (env: World['env']): boolean => stateIn(env, stateNames.main) === mainStarted

const stateIn = (env: World['env'], name: string): string | undefined => env[`STATE_${name}`]

/**
 * Removes in `post` what `main` created. It removes a directory only if the state names it, it has our prefix and it is in the
 * runner's temporary directory. If that fails, it logs a warning, because the runner empties the temporary directory anyway.
 * @returns the exit status, always 0
 */
export function cleanUpInPost(world: World): number {
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
      throw new Error(`${directory} is not a directory that this action creates`)
    else if (removePrivateDirectory(directory)) log.info('The git-credentials file was removed.')
    else log.info('There is nothing to remove: the git-credentials file is already gone.')
  } catch (error) {
    log.warning(`The git-credentials file was not removed: ${reasonOf(error)}`)
  }
}

/** Removes git's configuration, or logs a warning if that fails. */
function leaveGitConfig(world: World, log: Log): void {
  const name = stateIn(world.env, stateNames.gitConfig)
  const temporary = world.env['RUNNER_TEMP']
  if (!name || !temporary) return
  try {
    if (leaveSharedConfig(temporary, name, world)) log.info("git's configuration was removed.")
  } catch (error) {
    log.warning(reasonOf(error))
  }
}

/**
 * Returns the directories that `run:` steps of this job created. Such steps have no `post` that removes them. No directory of
 * another job is among them, because the runner empties its temporary directory before each job.
 */
export function directoriesOfEarlierSteps({ RUNNER_TEMP: temporary = '' }: World['env']): string[] {
  try {
    return readdirSync(temporary)
      .filter((name) => isOurName(name))
      .map((name) => join(temporary, name))
  } catch {
    return []
  }
}

/** Whether {@link github} creates directories with such a name. Our other directories have words after the prefix. */
const isOurName = (name: string): boolean =>
  name.startsWith(directoryPrefix) &&
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name.slice(directoryPrefix.length))

/** Whether {@link github} creates such a directory: in the runner's temporary directory, with our prefix. */
const isOurs = (directory: string, { RUNNER_TEMP: temporary }: World['env']): boolean =>
  Boolean(
    temporary &&
      dirname(resolve(directory)) === resolve(temporary) &&
      basename(directory).startsWith(directoryPrefix),
  )

/** actions/checkout deletes `git-credentials-<hex>.config` in RUNNER_TEMP, so none of our names may look like that. */
const directoryPrefix = 'bitbucket-token-'

/** Returns the log for people: plain lines, and warnings and errors as annotations. */
function workflowLog(world: World, debug: boolean): Log {
  const properties = { title: 'bitbucket-token' }
  return {
    info: (text) => core.info(world, logSafeText(text)),
    warning: (text) => core.warning(world, logSafeText(text), properties),
    error: (text) => core.error(world, logSafeText(text), properties),
    debug(text) {
      if (debug) core.info(world, `debug: ${logSafeText(text)}`)
      // The runner sets this if a person enables "Enable debug logging", and only then shows debug commands.
      else if (world.env['RUNNER_DEBUG'] === '1') core.debug(world, logSafeText(text))
    },
  }
}

/**
 * Saves state that `post` gets back. Callers save it before the effect, so that `post` also cleans up after a run that is killed
 * between the two. The command line has no `post`, and `openRun` in run.ts takes GITHUB_STATE from it.
 */
function remember(world: World, name: string, value: string): void {
  if (world.env['GITHUB_STATE']) append(world, 'GITHUB_STATE', new Map([[name, value]]))
}

/**
 * Appends all values to one of the runner's files, or none of them. Half a value would make the runner fail, and it could show
 * the value in its error.
 * @throws {TokenError} `host` if the runner has not set `variable`, `file` if the file is not writable
 */
function append(world: World, variable: string, values: ReadonlyMap<string, string | Secret>): void {
  if (values.size === 0) return
  const lines = [...values].map(([name, value]) => {
    const text = revealed(value)
    // A value must not end its own block, because it could then set a variable.
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
      "Check the runner and its disk: the runner's own file is not writable.",
      error,
    )
  }
}

function requireDirectory(path: string): void {
  let problem = 'there is no such directory'
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  } catch (error) {
    problem = `this user cannot reach it: ${reasonOf(error)}`
  }
  throw new TokenError(
    'host',
    `RUNNER_TEMP is ${path}, but ${problem}.`,
    'Check the setup of this runner: it must create that directory for every job.',
  )
}

function required(world: World, variable: string): string {
  const value = world.env[variable]
  if (value) return value
  throw new TokenError(
    'host',
    `${variable} is not set, although GitHub sets it for every step.`,
    'Run this as a step of a job. To run it elsewhere, set BITBUCKET_CI=shell.',
  )
}

function markdown({ heading, rows }: Summary): string {
  const escapeMarkdown = (text: string) =>
    text
      .replace(/[\\`*_{}[\]<>#|~!&]/g, (character) => `&#${character.charCodeAt(0)};`)
      .replace(/\r?\n|\r/g, '<br>')
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
