import type { GitConfigEntry } from '../git/config-environment.ts'
import type { Secret } from '../secret.ts'

/** What a person reads. */
export interface Log {
  info(text: string): void
  warning(text: string): void
  error(text: string): void
  /** Only shown with `debug`. */
  debug(text: string): void
}

/** A table for people: a heading, then rows of name and value. */
export interface Summary {
  readonly heading: string
  readonly rows: readonly (readonly [name: string, value: string])[]
}

/** The results of a run, by the names under which a job finds them. */
export interface Results {
  /** Environment variables for later steps. */
  readonly variables: ReadonlyMap<string, string | Secret>
  /** Outputs of this step; a host whose steps have none leaves them out. */
  readonly outputs: ReadonlyMap<string, string | Secret>
  /** Configuration for git in later steps. */
  readonly gitConfig: readonly GitConfigEntry[]
}

/**
 * A CI, or the plain shell: how it masks, where secret files may lie, how results reach later steps. One file a
 * host. A host knows nothing of Bitbucket.
 */
export interface Host {
  readonly log: Log
  /** What this host knows of secrets that arrive empty: a hint for a person. */
  readonly whyEmpty: string
  /** Where it writes files that stay until `cleanup`; undefined where the CI itself removes them. */
  readonly directory?: string
  /**
   * Removes what earlier runs have left, so that a run that fails leaves no old token, and refuses a place that no
   * secret may be written to. Comes first, before anything is sent.
   * @throws {TokenError} `input`, `file`
   */
  prepare(): void
  /**
   * Removes what runs have left in {@link directory}, and the directory with it if it is then empty.
   * @param all also removes a refresh token, which may exist nowhere else
   * @returns the paths of what was removed, and of what was kept
   * @throws {TokenError} `input`, `file`; also if the directory holds anything that is not ours: then all of it stays
   */
  clean?(all: boolean): { readonly removed: readonly string[]; readonly kept: readonly string[] }
  /** Makes the CI hide this secret from now on; does nothing where the CI cannot. */
  mask(secret: Secret): void
  /**
   * Hands over at once what must survive even if the rest of the run fails.
   * @returns where it is now, in words
   */
  keep(name: string, secret: Secret): string
  /**
   * Writes a secret file into the run's private directory. That is made at the first call, and remembered for
   * the clean-up before it is made.
   * @returns its absolute path
   */
  writeSecretFile(name: string, content: Secret): string
  /**
   * Hands the results over.
   * @returns how a person uses them here, or undefined where the CI does the rest
   */
  handOver(results: Results): string | undefined
  /** Shows the summary, where the CI has a place for one. */
  summarize(summary: Summary): void
  /** Takes back what this run has made, but for what it was to keep; called when it fails. */
  discard(): void
}

export const revealed = (value: string | Secret): string =>
  typeof value === 'string' ? value : value.reveal()
