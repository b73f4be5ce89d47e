import type { Credential } from './bitbucket/credential.ts'
import { chooseCredential, type InputSource } from './credentials/choose.ts'
import { basicPairsIn, type ChosenCredential } from './credentials/index.ts'
import { cutLines, messageOf, quoteForLog, reasonOf, TokenError } from './errors.ts'
import type { Host, Log } from './hosts/host.ts'
import { type HostName, openHost } from './hosts/index.ts'
import { plainLog } from './hosts/plain-log.ts'
import { refuseLeakyNodeSettings } from './http/node-debug.ts'
import {
  definitionOf,
  guessHostInputs,
  type Inputs,
  parseInputs,
  type RawInputs,
  secretsIn,
  wantsSummary,
  withoutCredentials,
} from './inputs.ts'
import { TextRedactor } from './redaction/text-redactor.ts'
import { encodedForms, Secret } from './secret.ts'
import { ReaderGone, type World } from './world.ts'

/** One run of a command: its inputs, its CI, and what must be kept secret. */
export interface Run {
  readonly world: World
  /** The inputs before they are parsed, and how to name them. */
  readonly rawInputs: RawInputs
  readonly host: Host
  readonly hostName: HostName
  /** Knows every secret of this run. Everything that a person reads goes through it. */
  readonly redactor: TextRedactor
  /** The addresses and settings that {@link announce} and commands/requests.ts have already logged. */
  readonly announced: Set<string>
  /**
   * Errors to report when everything else is done: the credential works, but its new refresh token could not be saved.
   */
  readonly deferred: TokenError[]
  /**
   * Returns the inputs. The first call parses and masks them.
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

/** Returns how to name the inputs of a run, and why a secret can be empty on its CI. */
export const inputSource = ({ rawInputs, host }: Pick<Run, 'rawInputs' | 'host'>): InputSource => ({
  ...rawInputs,
  emptySecretHint: host.emptySecretHint,
})

type Hiding = Pick<Run, 'host' | 'redactor'>

/** Masks secrets in the CI's log, and removes them from every text that this program writes from now on. */
export function hide(secrets: readonly Secret[], { host, redactor }: Hiding): void {
  for (const secret of secrets) if (redactor.add(secret)) host.mask(secret)
}

/** Hides each secret input as HTTP Basic sends it, in Base64. `runCommand` has already hidden the secrets themselves. */
function hideInBasic(inputs: Inputs, run: Hiding): void {
  for (const { user, secret } of basicPairsIn(inputs)) hide(encodedForms(secret, [user]), run)
}

/** Hides a credential that Bitbucket has issued. */
export function hideCredential({ secret, gitUsername, refreshToken }: Credential, run: Hiding): void {
  hide(encodedForms(secret, [gitUsername]), run)
  if (refreshToken !== undefined) hide(encodedForms(refreshToken), run)
}

/**
 * Returns the credential that the inputs describe. If its refresh token is in a store, this does not open the store yet.
 * @throws {TokenError} `input`
 */
export function choose(run: Run): ChosenCredential {
  const inputs = run.inputs()
  const isStored = inputs['save-refresh-token'] !== undefined && inputs['refresh-token'] === undefined
  // The choice only asks whether there is a refresh token. refresh-token-rotation.ts puts the real one in its place.
  const complete = isStored ? { ...inputs, 'refresh-token': new Secret('in the store') } : inputs
  const { credential, notice } = chooseCredential(complete, inputs.grant, inputSource(run))
  if (notice !== undefined) run.host.log.info(notice)
  announceAddresses(run)
  return credential
}

/**
 * Returns the services to which this program may send a secret, with the input or CI variable that can change each address.
 */
function addressesOf({ world, rawInputs }: Run, inputs: Inputs) {
  return [
    { name: rawInputs.nameOf('url'), used: inputs.url.href, usual: definitionOf('url').default },
    {
      name: rawInputs.nameOf('api-url'),
      used: inputs['api-url'].href,
      usual: definitionOf('api-url').default,
    },
    { name: 'GITHUB_API_URL', used: world.env['GITHUB_API_URL'], usual: 'https://api.github.com' },
    { name: 'CI_API_V4_URL', used: world.env['CI_API_V4_URL'], usual: 'https://gitlab.com' },
  ].map(({ name, used = '', usual = '' }) => ({
    name,
    origin: URL.canParse(used) ? new URL(used).origin : undefined,
    usual,
  }))
}

/** Logs once for each unusual host that secrets go there, because a forgotten variable must not redirect them silently. */
export function announce(origins: readonly string[], run: Run): void {
  for (const { name, origin, usual } of addressesOf(run, run.inputs())) {
    if (origin === undefined || origin === usual || !origins.includes(origin) || run.announced.has(name))
      continue
    run.announced.add(name)
    run.host.log.info(`Using ${name} ${origin} instead of ${usual}. Your secrets will be sent there.`)
  }
}

/**
 * Logs unusual addresses of Bitbucket before anything is sent, even if only a later step or a browser sends something there.
 */
export function announceAddresses(run: Run): void {
  const { url, 'api-url': apiUrl } = run.inputs()
  announce([url.origin, apiUrl.origin], run)
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
  /** Is called as soon as the CI is known, so that its files can be removed if a signal ends the run. */
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
  const thrown: unknown[] = []
  let status = 0
  try {
    refuseLeakyNodeSettings(world.env)
    const secrets = secretsIn(rawInputs).flatMap((secret) => encodedForms(secret))
    hide(secrets, run)
    status = (await work(run)) || 0
  } catch (error) {
    thrown.push(error)
  }
  const errors = [...run.deferred, ...thrown]
  const statuses = errors.map((error) => report(error, run.host.log, quote))
  if (summarizesFailure && wantsSummary(rawInputs)) summarizeFailure(errors, run.host, quote)
  // A reader of stdout that is gone decides only if there is no other error.
  return status || (statuses.find((one) => one !== statusOfReaderGone) ?? statuses[0] ?? 0)
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
  const quiet = isStdoutData ? { log: plainLog(world, debug), mask() {} } : {}
  const redactor = new TextRedactor()
  const parts: Omit<Run, 'inputs'> = {
    world,
    rawInputs,
    redactor,
    announced: new Set<string>(),
    deferred: [],
    hostName,
    host: withoutSecrets({ ...host, ...quiet }, redactor),
  }
  return { ...parts, inputs: inputsOnce(parts) }
}

/** Shows errors in the job summary. If it cannot be written, that is a warning, because the log shows the errors. */
function summarizeFailure(errors: readonly unknown[], host: Host, quote: (text: string) => string): void {
  const shown = errors.filter((error) => !(error instanceof ReaderGone)).map((error) => explain(error, quote))
  if (shown.length === 0) return
  const rows = shown.flatMap(({ message, nextStep }) => [
    ['What happened', message] as const,
    ['What to do', nextStep] as const,
  ])
  try {
    host.summarize({ heading: 'bitbucket-token failed', rows })
  } catch (error) {
    const warning = `The job summary could not be written (${reasonOf(error)}).`
    try {
      host.log.warning(warning)
    } catch {
      // The log cannot be written either.
    }
  }
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

/** 128 plus the number of SIGPIPE, as for other programs whose output nobody reads any more. */
const statusOfReaderGone = 141

/**
 * Writes to the log what happened and what to do next. A log that cannot be written does not change the exit status.
 * @returns the exit status
 */
export function report(error: unknown, log: Log, quote = quoteForLog): number {
  if (error instanceof ReaderGone) return statusOfReaderGone
  const { message, nextStep } = explain(error, quote)
  try {
    log.error(`${message}\n${nextStep}`)
    if (error instanceof TokenError) log.debug(error.stack ?? '')
    // The first lines of the stack are the message, which may contain anything.
    else if (error instanceof Error) log.debug((error.stack ?? '').split('\n').map(quote).join('\n'))
  } catch {
    // On some CIs the log is stdout, and its reader may be gone.
  }
  return error instanceof TokenError ? error.exitStatus : 1
}

/** Returns what happened and what to do next. */
function explain(error: unknown, quote: (text: string) => string): Pick<TokenError, 'message' | 'nextStep'> {
  if (error instanceof TokenError) return error
  return {
    message: `Unexpected error: ${quote(messageOf(error))}`,
    nextStep: 'Report it, with the output of a run with debug: true.',
  }
}
