import { inertText } from '../inert.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { Host, Log } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/**
 * TeamCity (jetbrains.com/help/teamcity, "Service Messages"). It hides the values of parameters of the type Password
 * ("Typed Parameters"), and a process can neither add one nor see whether a parameter is one; what it sets with
 * `setParameter` is shown among the build's parameters. So secrets go into the file alone.
 */
export function teamcity(world: World, path: string | undefined, debug: boolean): Host {
  const host = outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    log: messageLog(world, debug),
    whyEmpty:
      'On TeamCity a parameter becomes an environment variable only if its name begins with `env.`. A secret parameter has the type Password.',
    note: 'TeamCity cannot hide this token in the log, so never print it. Load the file in each build step.',
  })
  return {
    ...host,
    handOver(results) {
      const inThisShell = host.handOver(results)
      for (const [name, value] of results.variables) {
        if (value instanceof Secret || !isCarried(value)) continue
        world.stdout(message('setParameter', { name: `env.${name}`, value }))
      }
      return inThisShell
    },
  }
}

/** TeamCity puts the value of a parameter in place of `%itsName%` ("Using Build Parameters"). */
const isCarried = (value: string): boolean => !value.includes('%')

function messageLog({ stdout }: World, debug: boolean): Log {
  const logged = (status: string) => (text: string) =>
    stdout(message('message', { text: inertText(text), status }))
  return {
    info: (text) => stdout(`${inertText(text)}\n`),
    warning: logged('WARNING'),
    error: logged('ERROR'),
    debug: debug ? (text) => stdout(`debug: ${inertText(text)}\n`) : () => {},
  }
}

function message(name: string, attributes: Readonly<Record<string, string>>): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}='${escapeValue(value)}'`)
  return `##teamcity[${name}${written.join('')}]\n`
}

/** "Escaped Values". Beyond ASCII by number, for the agent reads a build's output in the charset of its machine. */
const escapeValue = (value: string): string =>
  value
    .replace(/[|'[\]]/g, '|$&')
    .replaceAll('\n', '|n')
    .replaceAll('\r', '|r')
    .replace(/[^\0-\x7e]/g, (unit) => `|0x${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`)
