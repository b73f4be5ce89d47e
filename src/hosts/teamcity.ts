import { logSafeText } from '../log-safe.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { Host, Log } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * TeamCity (jetbrains.com/help/teamcity, "Service Messages"). It masks only parameters of the type Password ("Typed
 * Parameters"). A process can neither create such a parameter nor see whether a parameter is one, and TeamCity shows
 * what it sets with `setParameter`. So secrets go only into the file.
 */
export function teamcity(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    log: messageLog(world, debug),
    emptySecretHint:
      'On TeamCity a parameter becomes an environment variable only if its name begins with `env.`. A secret parameter has the type Password.',
    note: 'TeamCity cannot hide this token in the log, so never print it. Load the file in each build step.',
    passOn({ variables }) {
      for (const [name, value] of variables) {
        if (value instanceof Secret || !isUnchanged(value)) continue
        world.stdout(message('setParameter', { name: `env.${name}`, value }))
      }
      return undefined
    },
  })
}

/**
 * Whether TeamCity passes a value on unchanged. It replaces `%name%` with the value of the parameter ("Using Build
 * Parameters").
 */
const isUnchanged = (value: string): boolean => !value.includes('%')

function messageLog({ stdout }: World, debug: boolean): Log {
  const logged = (status: string) => (text: string) =>
    stdout(message('message', { text: logSafeText(text), status }))
  return {
    info: (text) => stdout(`${logSafeText(text)}\n`),
    warning: logged('WARNING'),
    error: logged('ERROR'),
    debug: debug ? (text) => stdout(`debug: ${logSafeText(text)}\n`) : () => {},
  }
}

function message(name: string, attributes: Readonly<Record<string, string>>): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}='${escapeValue(value)}'`)
  return `##teamcity[${name}${written.join('')}]\n`
}

/**
 * Escapes a value ("Escaped Values"). Writes non-ASCII characters as numbers, because the agent reads the output in its
 * machine's charset.
 */
const escapeValue = (value: string): string =>
  value
    .replace(/[|'[\]]/g, '|$&')
    .replaceAll('\n', '|n')
    .replaceAll('\r', '|r')
    .replace(/[^\0-\x7e]/g, (unit) => `|0x${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`)
