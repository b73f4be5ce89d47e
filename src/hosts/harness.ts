import { Secret } from '../secret.ts'
import { appendSecret } from '../secret-file.ts'
import type { World } from '../world.ts'
import { type Host, revealed } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/**
 * Harness CI. A step's outputs are lines in files that the engine names to it; those in HARNESS_OUTPUT_SECRET_FILE are
 * secrets, hidden in the logs of later steps (developer.harness.io, "Plugin step settings", "Output secrets", behind a
 * feature flag). A file that it cannot read it prints whole (harness/lite-engine, pipeline/runtime/common.go), so only
 * lines that no parser can mistake are written. Steps share the workspace.
 */
export function harness(world: World, path: string | undefined, debug: boolean): Host {
  const host = outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty:
      'On Harness a step gets a secret only through an expression in its environment: `NAME: <+secrets.getValue("name")>`.',
  })
  return {
    ...host,
    handOver(results) {
      const inThisShell = host.handOver(results)
      if (inThisShell === undefined) return undefined
      const carried = [...results.variables].filter(([, value]) => isCarried(revealed(value)))
      const secret = carried.filter(([, value]) => value instanceof Secret)
      const plain = carried.filter(([, value]) => !(value instanceof Secret))
      const secretFile = world.env['HARNESS_OUTPUT_SECRET_FILE']
      const plainFile = world.env['HARNESS_OUTPUT_FILE'] || world.env['DRONE_OUTPUT']
      if (secretFile) append(secretFile, secret)
      if (plainFile) append(plainFile, plain)
      const later = secretFile
        ? 'Later steps get the variables as <+steps.STEP_ID.output.outputVariables.NAME>; if output secrets are enabled, the secret ones are hidden in their logs'
        : 'HARNESS_OUTPUT_SECRET_FILE is not set, so there are no output secrets'
      return `${later}. Never print the token in this step. Later steps share the workspace and can load the file. ${inThisShell}`
    },
  }
}

function append(file: string, variables: readonly (readonly [string, string | Secret])[]): void {
  if (variables.length === 0) return
  const lines = variables.map(([name, value]) => `${name}=${revealed(value)}\n`)
  appendSecret(file, new Secret(`\n${lines.join('')}`))
}

/**
 * What all of the engine's parsers take as it is (harness/godotenv v2 and v4): no quote, `$`, `#` or backslash, single
 * blanks inside, a line below bufio's 64 KiB; and not the prefix by which the engine knows base64.
 */
const isCarried = (value: string): boolean =>
  value.length < 60_000 && /^(?!__B64__)[\w.~+/=:@-]+(?: [\w.~+/=:@-]+)*$/.test(value)
