import { join, resolve } from 'node:path'
import { reasonOf } from '../errors.ts'
import { addedByShell } from '../git/config-environment.ts'
import { excludeFromGit } from '../git/exclude.ts'
import { Secret } from '../secret.ts'
import {
  clearPrivateDirectory,
  removeSecretFiles,
  takePrivateDirectory,
  writeSecretFile,
} from '../secret-file.ts'
import type { World } from '../world.ts'
import { loadingHint } from './hint.ts'
import { type Host, type Log, type Results, revealed } from './host.ts'
import { plainLog } from './plain-log.ts'
import { shellQuote } from './shell-quote.ts'

export interface OutputDirectory {
  readonly path: string
  readonly whyEmpty: string
  readonly debug: boolean
  /** Where people's text goes, if not plainly to stderr. */
  readonly log?: Log
  /** What a person must know of this CI to use the results; a sentence. */
  readonly note?: string
}

/** What {@link outputDirectoryHost} makes: a host of its own, or the ground of one that can do more. */
export interface OutputDirectoryHost extends Host {
  /** The script that exports the variables, once they are handed over. */
  readonly environmentFile: string
}

const environmentFileName = 'env.sh'
export const refreshTokenFile = 'refresh-token'
/** All that we ever put into the directory. */
const ours = [environmentFileName, 'git-credentials', refreshTokenFile]

/**
 * Every host whose steps share files and nothing else: results go into a private directory, from which the
 * shell that needs them takes them (`. .bitbucket-token/env.sh`). Human text goes to stderr.
 */
export function outputDirectoryHost(
  world: World,
  { path, whyEmpty, debug, log = plainLog(world, debug), note }: OutputDirectory,
): OutputDirectoryHost {
  const directory = resolve(world.cwd, path)
  const written: string[] = []
  const write = (name: string, content: Secret): string => {
    takePrivateDirectory(directory, ours, world)
    exclude()
    return writeSecretFile(directory, name, content)
  }
  const exclude = () => {
    try {
      excludeFromGit(directory)
    } catch (error) {
      log.warning(
        `${directory} could not be added to .git/info/exclude (${reasonOf(error)}): do not commit it.`,
      )
    }
  }
  return {
    log,
    whyEmpty,
    directory,
    environmentFile: join(directory, environmentFileName),
    mask() {},
    keep: (name, secret) => `the file ${write(name, secret)}`,
    writeSecretFile(name, content) {
      const file = write(name, content)
      written.push(name)
      return file
    },
    handOver({ variables, gitConfig }) {
      if (variables.size === 0) return undefined
      const file = write(environmentFileName, shellScript(variables, gitConfig))
      written.push(environmentFileName)
      return [note, loadingHint(file, world)].filter(Boolean).join(' ')
    },
    summarize() {},
    discard() {
      if (written.length > 0) removeSecretFiles(directory, written)
    },
  }
}

/**
 * Removes what runs have left in an output directory, and the directory with it if it is then empty.
 * @param keep names to leave there
 * @returns the paths of what was removed, and of what was kept
 * @throws {TokenError} `file`, also where the directory holds anything that is not ours: then all of it stays
 */
export function cleanOutputDirectory(
  directory: string,
  keep: readonly string[],
): { removed: string[]; kept: string[] } {
  return clearPrivateDirectory(directory, ours, keep)
}

/**
 * POSIX sh that exports the variables. Tracing goes off first and stays off: with `set -x` or `set -v` the shell
 * would print each value here, and again wherever a script uses one.
 */
export function shellScript(variables: Results['variables'], gitConfig: Results['gitConfig']): Secret {
  const exports = [...variables].map(([name, value]) => `export ${name}=${shellQuote(revealed(value))}\n`)
  return new Secret(
    `{ set +x; } 2>/dev/null\n{ set +v; } 2>/dev/null\n${exports.join('')}${addedByShell(gitConfig, shellQuote)}`,
  )
}

export const defaultDirectory = (base: string): string => join(base, '.bitbucket-token')
