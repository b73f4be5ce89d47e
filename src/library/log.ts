import { cutLines } from '../errors.ts'
import { inertText } from '../inert.ts'
import type { Redactor } from '../secret.ts'
import type { World } from '../world.ts'
import { flag, type Rule, type RulesFor } from './given.ts'

/** How much a message matters, the least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where a program logs: `console` is one, and so are most loggers. */
export type Logger = Readonly<Record<LogLevel, (message: string) => void>>

/** The same as one function. */
export type LogFunction = (level: LogLevel, message: string) => void

/** The options that say who hears what is done. */
export interface LogOptions {
  /** Hears what is done. It is never told a secret. */
  readonly logger?: Logger | LogFunction | undefined
  /** Default: whether there is a `logger`. `true` without one writes to stderr. */
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

/** A log of the library. */
export interface Log extends Logger {
  /** Tells what must not go unnoticed: if nobody reads the log, as a warning of the process, once. */
  alert(level: 'warn' | 'error', message: string): void
}

/** Opens a log that tells only what a person may read. */
export function openLog(
  { logger, logging = logger !== undefined }: LogOptions,
  world: Pick<World, 'stderr'>,
  redactor: Redactor,
): Log {
  const write = (level: LogLevel, message: string) => {
    if (logger === undefined) world.stderr(`bitbucket-token: ${level}: ${inertText(message)}\n`)
    else if (typeof logger === 'function') logger(level, message)
    else logger[level](message)
  }
  const clean = (message: string) => cutLines(redactor.clean(message))
  const tell = (level: LogLevel) => (message: string) => {
    if (!logging) return
    try {
      write(level, clean(message))
    } catch {
      // No token is lost because nobody could be told of it.
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

/** More warnings than this are not shown, because nobody reads them and each one is remembered. */
const mostWarnings = 100

function warnOnce(message: string): void {
  if (warned.has(message) || warned.size >= mostWarnings) return
  warned.add(message)
  process.emitWarning(message, 'BitbucketTokenWarning')
}
