import { messageOf, quoteForLog, reasonOf, TokenError } from './errors.ts'
import type { Host, Log } from './hosts/host.ts'
import { ReaderGone } from './world.ts'

/** 128 plus the number of SIGPIPE, as for other programs whose output nobody reads any more. */
const statusOfReaderGone = 141

/**
 * Reports errors as {@link report} does.
 * @param errors the one that ended the run is the last, and decides the exit status
 * @returns the exit status; 0 without errors; 141 (nobody reads stdout) only if no error is of another kind
 */
export function reportAll(errors: readonly unknown[], log: Log, quote: (text: string) => string): number {
  const statuses = errors.map((error) => report(error, log, quote))
  return statuses.findLast((status) => status !== statusOfReaderGone) ?? statuses[0] ?? 0
}

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

/** Shows errors in the job summary. If it cannot be written, that is a warning, because the log shows the errors. */
export function summarizeFailure(
  errors: readonly unknown[],
  host: Host,
  quote: (text: string) => string,
): void {
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
