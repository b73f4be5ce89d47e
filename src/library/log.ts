import { cutLines } from '../errors.ts'
import { inertText } from '../inert.ts'
import type { Redactor } from '../secret.ts'
import type { World } from '../world.ts'

/** How much a message matters, the least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where a program logs: `console` is one, and so are most loggers. */
export type Logger = Readonly<Record<LogLevel, (message: string) => void>>

/** The same as one function. */
export type LogFunction = (level: LogLevel, message: string) => void

/** Hears only what a person may read. */
export function openLog(
  {
    logger,
    logging = logger !== undefined,
  }: { logger?: Logger | LogFunction | undefined; logging?: boolean | undefined },
  world: Pick<World, 'stderr'>,
  redactor: Redactor,
): Logger {
  const write = (level: LogLevel, message: string) => {
    if (logger === undefined) world.stderr(`bitbucket-token: ${level}: ${inertText(message)}\n`)
    else if (typeof logger === 'function') logger(level, message)
    else logger[level](message)
  }
  const tell = (level: LogLevel) => (message: string) => {
    if (!logging) return
    try {
      write(level, cutLines(redactor.clean(message)))
    } catch {
      // No token is lost because nobody could be told of it.
    }
  }
  return { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }
}
