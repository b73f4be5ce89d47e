import { cutLines } from '../errors.ts'
import { logSafeText } from '../log-safe.ts'
import type { TextRedactor } from '../redaction/text-redactor.ts'
import type { World } from '../world.ts'
import { flag, type Rule, type RulesFor } from './option-rules.ts'

/** The importance of a message, the least important first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** An object with a function for each level, such as `console` and most loggers. */
export type Logger = Readonly<Record<LogLevel, (message: string) => void>>

/** A logger as a single function. */
export type LogFunction = (level: LogLevel, message: string) => void

/** The options about logging. */
export interface LogOptions {
  /** Gets a message for each step. No message contains a secret. */
  readonly logger?: Logger | LogFunction | undefined
  /** Whether to log. `true` without a `logger` writes to stderr. Default: `true` if there is a `logger`. */
  readonly logging?: boolean | undefined
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

const logger: Rule = {
  what: 'a logger',
  nextStep: 'Give a function (level, message), or an object with the functions debug, info, warn and error.',
  accepts: (value) =>
    typeof value === 'function' ||
    (typeof value === 'object' && levels.every((level) => typeof Object(value)[level] === 'function')),
}

export const logRules: RulesFor<LogOptions> = { logger, logging: flag }

/** The log of the library. */
export interface Log extends Logger {
  /** Logs a message that must not be missed. If logging is off, it becomes a warning of the process, shown once. */
  alert(level: 'warn' | 'error', message: string): void
}

/** Opens a log that removes secrets and cuts long lines. */
export function openLog(
  { logger, logging = logger !== undefined }: LogOptions,
  world: Pick<World, 'stderr'>,
  redactor: TextRedactor,
): Log {
  const write = (level: LogLevel, message: string) => {
    if (logger === undefined) world.stderr(`bitbucket-token: ${level}: ${logSafeText(message)}\n`)
    else if (typeof logger === 'function') logger(level, message)
    else logger[level](message)
  }
  const clean = (message: string) => cutLines(redactor.clean(message))
  const tell = (level: LogLevel) => (message: string) => {
    if (!logging) return
    try {
      write(level, clean(message))
    } catch {
      // A logger that fails must not lose a token.
    }
  }
  return {
    debug: tell('debug'),
    info: tell('info'),
    warn: tell('warn'),
    error: tell('error'),
    alert: (level, message) => (logging ? tell(level)(message) : warnOnce(clean(message))),
  }
}

const warned = /* @__PURE__ */ new Set<string>()

/** The most warnings that are shown, because nobody reads more and each one is kept in memory. */
const maxWarnings = 100

function warnOnce(message: string): void {
  if (warned.has(message) || warned.size >= maxWarnings) return
  warned.add(message)
  process.emitWarning(message, 'BitbucketTokenWarning')
}
