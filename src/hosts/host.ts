import type { GitConfigEntry } from '../git/config-environment.ts'
import { revealed, Secret } from '../secret.ts'

/** Writes text for people. */
export interface Log {
  info(text: string): void
  warning(text: string): void
  error(text: string): void
  /** Shown only with `debug`. */
  debug(text: string): void
}

/** A table for people: a heading and rows of name and value. */
export interface Summary {
  readonly heading: string
  readonly rows: readonly (readonly [name: string, value: string])[]
}

/** The results of a run, by the names that a job uses. */
export interface Results {
  /** Environment variables for later steps. */
  readonly variables: ReadonlyMap<string, string | Secret>
  /** Outputs of this step; ignored by CIs whose steps have no outputs. */
  readonly outputs: ReadonlyMap<string, string | Secret>
  /** The git configuration for later steps. */
  readonly gitConfig: readonly GitConfigEntry[]
}

/**
 * A CI, or the plain shell: how it masks secrets, where it keeps secret files, and how it passes results to later
 * steps. Each host has its own file and knows nothing about Bitbucket.
 */
export interface Host {
  readonly log: Log
  /** A sentence for users that says why secrets may be empty on this host. */
  readonly emptySecretHint: string
  /** The directory of files that stay until `cleanup`; undefined if the CI removes them. */
  readonly directory?: string
  /**
   * Removes files of earlier runs, so that a failed run leaves no old token. Refuses a directory that is not safe for
   * secrets. Called first, before any request.
   * @throws {TokenError} `input`, `file`
   */
  prepare(): void
  /**
   * Removes the files of all runs in {@link directory}, and the directory if it is then empty.
   * @param all also removes a refresh token, which may exist nowhere else
   * @returns the removed paths and the kept paths
   * @throws {TokenError} `input`, `file`; also if the directory contains a file that is not ours, and then removes
   * nothing
   */
  clean?(all: boolean): { readonly removed: readonly string[]; readonly kept: readonly string[] }
  /** Masks this secret in the CI's log from now on. Does nothing if the CI cannot do that. */
  mask(secret: Secret): void
  /** Whether {@link mask} hides secrets. This can become false: only the first mask shows that a tool of the CI is missing. */
  canMask(): boolean
  /**
   * Stores a secret at once that must survive even if the rest of the run fails.
   * @returns where it is, in words
   */
  keep(name: string, secret: Secret): string
  /**
   * Writes a secret file into the run's private directory. The first call registers the directory for the clean-up,
   * then creates it.
   * @returns the file's absolute path
   */
  writeSecretFile(name: string, content: Secret): string
  /**
   * Passes the results to later steps.
   * @returns how to use them on this host, or undefined if users need to do nothing
   */
  handOver(results: Results): string | undefined
  /** Shows the summary, if the CI supports one. */
  summarize(summary: Summary): void
  /** Removes the files of this run, except those from {@link keep}. Called if the run fails. */
  discard(): void
}

/** Returns the variables with usable values: those with a secret value, and the others. */
export function secretAndPlain(variables: Results['variables'], isUsable: (value: string) => boolean) {
  const usable = [...variables].filter(([, value]) => isUsable(revealed(value)))
  const secret = usable.filter(([, value]) => value instanceof Secret)
  return [secret, usable.filter((variable) => !secret.includes(variable))] as const
}
