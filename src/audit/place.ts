import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { TokenError } from '../errors.ts'
import { withoutCredentials } from '../inputs.ts'
import { statusOf } from '../paths.ts'
import type { World } from '../world.ts'
import type { Git } from './git.ts'

/** What to audit. */
export interface Place {
  readonly git: Git
  /** The only file to scan. Undefined means all files in the directory. */
  readonly file: string | undefined
  /** The path from the working directory to the audited directory. It is prepended to each reported path. */
  readonly prefix: string
}

/**
 * Returns the place that the user named.
 * @param path a directory or a file, from the working directory
 * @throws {TokenError} `input` if there is neither
 */
export function placeOf(world: World, path = '.'): Place {
  const absolute = resolve(world.cwd, path)
  const status = statusOf(absolute)
  if (status === undefined || !(status.isDirectory() || status.isFile())) {
    throw new TokenError(
      'input',
      'The path to audit is neither a directory nor a file.',
      'Give a path that exists: bitbucket-token audit [PATH].',
    )
  }
  const directory = status.isFile() ? dirname(absolute) : absolute
  const inside = relative(world.cwd, directory).split(sep).join('/')
  const isBelow = inside !== '' && inside !== '..' && !inside.startsWith('../') && !isAbsolute(inside)
  // The path that the user gives may be a link. Links inside the tree are not followed.
  const real = realpathSync(absolute)
  const { stop, sleep } = world
  return {
    git: {
      directory: status.isFile() ? dirname(real) : real,
      env: withoutCredentials(world.env),
      stop,
      sleep,
    },
    file: status.isFile() ? basename(real) : undefined,
    prefix: isBelow ? `${inside}/` : '',
  }
}
