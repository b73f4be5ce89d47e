import { join, resolve } from 'node:path'
import { reasonOf, systemCode, TokenError } from '../errors.ts'
import { addedByShell } from '../git/config-environment.ts'
import { trackedFile } from '../git/tracked.ts'
import { endsWithContainer } from '../mounts.ts'
import { actAs, canActAs, isOwn, isUnknown, ownerAbove, ownUid, type User } from '../ownership.ts'
import { lstatIfExists, namesIn } from '../paths.ts'
import { revealed, Secret } from '../secret.ts'
import {
  clearPrivateDirectory,
  isHidden,
  pathExists,
  removeSecretFiles,
  takePrivateDirectory,
  whyNotOurs,
  writeSecretFile,
} from '../secret-file.ts'
import type { World } from '../world.ts'
import type { Host, Log, Results } from './host.ts'
import { loadingHint } from './loading-hint.ts'
import { plainLog } from './plain-log.ts'
import { shellQuote } from './shell-quote.ts'

export interface OutputDirectory {
  /** The directory; `.bitbucket-token` in the clone unless given. */
  readonly path: string | undefined
  /** The clone, if it is not the working directory. Its owner is trusted inside it. */
  readonly clone?: string
  readonly emptySecretHint: string
  readonly debug: boolean
  /** The log; plain text on stderr unless given. */
  readonly log?: Log
  /** Sentences that users of this CI need to know to use the results. */
  readonly note?: string
  /**
   * Also passes the results on in the CI's own way, after the file was written.
   * @returns what users need to know about that
   */
  readonly passOn?: (results: Results, environmentFile: string) => string | undefined
}

const environmentFileName = 'env.sh'
const refreshTokenFile = 'refresh-token'
/** The files that the next run replaces. */
const replaced = [environmentFileName, 'git-credentials']
/** All files that we write into the directory, apart from its `.gitignore`. */
const ours = [...replaced, refreshTokenFile]

/**
 * Creates a host whose steps share files. Results go into a private directory, and each shell that needs them
 * loads them (`. .bitbucket-token/env.sh`). Text for people goes to stderr.
 *
 * The files belong to the user who runs the program. If root writes them into another user's directory, they belong to
 * that user. Root then acts with that user's rights, so that user's links cannot mislead it.
 */
export function outputDirectoryHost(
  world: World,
  {
    path,
    clone = world.cwd,
    emptySecretHint,
    debug,
    log = plainLog(world, debug),
    note,
    passOn,
  }: OutputDirectory,
): Host {
  const directory = resolve(world.cwd, path ?? join(clone, '.bitbucket-token'))
  const written: string[] = []
  /** Whether this run may have created the directory, even if it could not write into it. */
  let mayExist = false
  const warned = new Set<string>()
  const warnOnce = (text: string) => {
    if (!warned.has(text)) log.warning(text)
    warned.add(text)
  }
  /** Runs `work` with the rights of the directory's owner, or of the user who will own it. */
  const inside = <T>(work: () => T): T => actAs(userFor(directory, above(), warnOnce), work)
  const above = (): User => ownerAbove(directory, [world.cwd, clone])
  const isLost = () => endsWithContainer(directory, process)

  const write = (name: string, content: Secret): string => {
    if (isLost()) warnOnce(lostFiles(directory))
    return inside(() =>
      retryIfRemoved(() => {
        mayExist = true
        takePrivateDirectory(directory, ours, world)
        return writeSecretFile(directory, name, content)
      }),
    )
  }
  return {
    log,
    emptySecretHint,
    directory,
    prepare() {
      refuseUnreadableName(directory)
      const { uid } = above()
      inside(() => refuseForeignFiles(directory))
      const tracked = trackedFile(directory, [ownUid(), 0, uid], (index, error) =>
        log.debug(`${index} was not read: ${reasonOf(error)}.`),
      )
      if (tracked !== undefined) throw trackedByGit(tracked, directory)
      inside(() => {
        if (isEmpty(directory)) return
        clearPrivateDirectory(directory, ours, [refreshTokenFile])
      })
    },
    clean(all) {
      refuseUnreadableName(directory)
      if (!pathExists(directory)) return { removed: [], kept: [] }
      return inside(() => clearPrivateDirectory(directory, ours, all ? [] : [refreshTokenFile]))
    },
    mask() {},
    canMask: () => false,
    keep: (name, secret) => `the file ${write(name, secret)}`,
    writeSecretFile(name, content) {
      const file = write(name, content)
      written.push(name)
      return file
    },
    handOver(results) {
      if (results.variables.size === 0) return undefined
      const file = write(environmentFileName, shellScript(results.variables, results.gitConfig))
      written.push(environmentFileName)
      const later = passOn?.(results, file)
      const use = isLost() ? 'The files are lost when this container ends.' : loadingHint(file, world)
      return [note, later, use].filter(Boolean).join(' ')
    },
    summarize() {},
    discard() {
      if (mayExist) inside(() => removeSecretFiles(directory, written))
    },
  }
}

/**
 * Returns the user whose rights to use in the directory, or undefined for those of this process.
 * @param above the owner of the directories above it
 * @throws {TokenError} `input` if the directory belongs to somebody else
 */
function userFor(directory: string, above: User, warn: (text: string) => void): User | undefined {
  const found = lstatIfExists(directory)
  if (found !== undefined && isOwn(found)) return undefined
  const isRoot = ownUid() === 0
  // It was created by the owner of the clone, or by root for that owner.
  const isTheirs = found?.isDirectory() && found.uid === above.uid && (found.mode & 0o077) === 0
  if (found !== undefined && !(isRoot && isTheirs)) throw foreign(directory, found)
  if (!isRoot || above.uid === 0) return undefined
  if (canActAs(above)) return above
  if (found !== undefined) throw foreign(directory, found)
  if (!isUnknown(above)) {
    warn(
      `${directory} will belong to root, because root may not act as uid ${above.uid} here, so that user cannot read the files.\n` +
        `Run this command as that user: docker run --user ${above.uid}:${above.gid}`,
    )
  }
  return undefined
}

const foreign = (directory: string, { uid, gid }: User) =>
  new TokenError(
    'input',
    `${directory} belongs to another user (uid ${uid}), so no secret was written there and nothing was removed.`,
    uid === 0
      ? 'Remove it as root, or set output-dir to another directory.'
      : `Remove it, run this command as that user (docker run --user ${uid}:${gid}), or set output-dir to another directory.`,
  )

/** Node replaces bytes that are not UTF-8 in a path, and would make another directory with the new name. */
function refuseUnreadableName(directory: string): void {
  if (!directory.includes('\uFFFD')) return
  throw new TokenError(
    'input',
    `The path ${directory} is not valid UTF-8, so node cannot use that directory.`,
    'Rename the directory, or set output-dir to another directory.',
  )
}

function refuseForeignFiles(directory: string): void {
  const reason = whyNotOurs(directory, ours)
  if (reason === undefined) return
  // Somebody put a file into our directory. Even so, no old token may stay in it.
  if (isHidden(directory)) removeSecretFiles(directory, replaced)
  throw new TokenError(
    'input',
    `${directory} ${reason}, so no secret was written there.`,
    'Set output-dir to a directory that is only for the secret files.',
  )
}

const trackedByGit = (file: string, directory: string) =>
  new TokenError(
    'input',
    `git tracks ${file}, so the next commit would contain the secrets in it.`,
    `Remove it from git and commit that: git rm -r --cached ${shellQuote(directory)}\nOr set output-dir to another directory.`,
  )

const lostFiles = (directory: string): string =>
  `${directory} is not on a mount, so its files are lost when this container ends.\n` +
  'Mount the working directory: docker run --volume "$PWD:$PWD" --workdir "$PWD"'

const isEmpty = (directory: string): boolean =>
  lstatIfExists(directory) === undefined || namesIn(directory).length === 0

/** Repeats `work` once if another run removed the directory meanwhile, as a run does when it starts or fails. */
function retryIfRemoved<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { cause } = error instanceof TokenError ? error : {}
    if (systemCode(cause) !== 'ENOENT') throw error
    return work()
  }
}

/**
 * Returns POSIX sh that exports the variables. It first turns tracing off and leaves it off, because with `set -x` or
 * `set -v` the shell would print each value, here and wherever a script uses one.
 */
export function shellScript(variables: Results['variables'], gitConfig: Results['gitConfig']): Secret {
  const exports = [...variables].map(([name, value]) => `export ${name}=${shellQuote(revealed(value))}\n`)
  return new Secret(
    `{ set +x; } 2>/dev/null\n{ set +v; } 2>/dev/null\n${exports.join('')}${addedByShell(gitConfig, shellQuote)}`,
  )
}
