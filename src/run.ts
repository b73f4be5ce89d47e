import { cutLines, type TokenError } from './errors.ts'
import type { Host } from './hosts/host.ts'
import { type HostName, openHost } from './hosts/index.ts'
import { plainLog } from './hosts/plain-log.ts'
import { refuseLeakyNodeSettings } from './http/node-debug.ts'
import {
  guessHostInputs,
  type Inputs,
  parseInputs,
  type RawInputs,
  secretsIn,
  wantsSummary,
  withoutCredentials,
} from './inputs.ts'
import { hide, hideInBasic } from './masking.ts'
import { TextRedactor } from './redaction/text-redactor.ts'
import { reportAll, summarizeFailure } from './report.ts'
import { encodedForms } from './secret.ts'
import type { World } from './world.ts'

/** One run of a command: its inputs, its CI, and what must be kept secret. */
export interface Run {
  readonly world: World
  /** The inputs before they are parsed, and how to name them. */
  readonly rawInputs: RawInputs
  readonly host: Host
  readonly hostName: HostName
  /** Knows every secret of this run. Everything that a person reads goes through it. */
  readonly redactor: TextRedactor
  /** The addresses and settings that commands/announcements.ts has already logged. */
  readonly announced: Set<string>
  /** The error to report at the end: the credential works, but its new refresh token could not be saved. */
  deferredError: TokenError | undefined
  /**
   * Returns the inputs. The first call parses them, and masks them as HTTP Basic sends them.
   * @throws {TokenError} `input`
   */
  inputs(): Inputs
}

/** Returns the function {@link Run.inputs} for a run. */
export function inputsOnce(run: Omit<Run, 'inputs'>): Run['inputs'] {
  let inputs: Inputs | undefined
  return () => {
    if (inputs !== undefined) return inputs
    inputs = parseInputs(run.rawInputs)
    hideInBasic(inputs, run)
    return inputs
  }
}

/** How to run a command. */
export interface CommandOptions {
  readonly rawInputs: RawInputs
  readonly world: World
  /** The CI that the environment shows. The input `ci` can name another. */
  readonly detected: HostName
  /** Whether another program reads stdout. Then the CI's own log commands, such as masks, must not be written there. */
  readonly isStdoutData: boolean
  /** Whether a failure is shown in the job summary too, if the CI has one and the input `summary` is true. */
  readonly summarizesFailure?: boolean
  /** Is called as soon as the CI is known, so that its files can be removed after a crash. */
  readonly onHost: (host: Host) => void
}

/**
 * Runs a command: finds out which CI this is, masks the secret inputs, does the work, and reports errors.
 * @param work may return an exit status
 * @returns the exit status
 */
export async function runCommand(
  options: CommandOptions,
  work: (run: Run) => void | Promise<void> | Promise<number>,
): Promise<number> {
  const { rawInputs, world, summarizesFailure = false } = options
  const run = await openRun(options)
  const quote = (text: string) => run.redactor.quote(text)
  const errors: unknown[] = []
  let status = 0
  try {
    refuseLeakyNodeSettings(world.env)
    for (const secret of secretsIn(rawInputs)) hide(encodedForms(secret), run)
    status = (await work(run)) || 0
  } catch (error) {
    errors.push(error)
  }
  const all = run.deferredError === undefined ? errors : [run.deferredError, ...errors]
  const errorStatus = reportAll(all, run.host.log, quote)
  if (summarizesFailure && wantsSummary(rawInputs)) summarizeFailure(all, run.host, quote)
  return status || errorStatus
}

async function openRun({ rawInputs, world, detected, isStdoutData, onHost }: CommandOptions): Promise<Run> {
  const { ci, debug, 'output-dir': outputDir } = guessHostInputs(rawInputs)
  const hostName = ci === 'auto' ? detected : ci
  // A host starts tools of its CI. They get only the secrets that are passed to them.
  const env = withoutCredentials(world.env)
  // If another action runs this program as a command line, GITHUB_STATE belongs to that action.
  if (rawInputs.from !== 'action') delete env['GITHUB_STATE']
  const host = await openHost(hostName, { ...world, env }, { outputDir, debug })
  onHost(host)
  const withoutCommands = isStdoutData ? { log: plainLog(world, debug), mask() {} } : {}
  const redactor = new TextRedactor()
  const withoutInputs: Omit<Run, 'inputs'> = {
    world,
    rawInputs,
    redactor,
    announced: new Set<string>(),
    deferredError: undefined,
    hostName,
    host: withoutSecrets({ ...host, ...withoutCommands }, redactor),
  }
  return { ...withoutInputs, inputs: inputsOnce(withoutInputs) }
}

/** Returns a host that removes secrets and cuts long lines in its log and summary. */
function withoutSecrets(host: Host, redactor: TextRedactor): Host {
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
