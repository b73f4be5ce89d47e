import { revealed, Secret } from '../secret.ts'
import { appendSecret } from '../secret-file.ts'
import type { World } from '../world.ts'
import { type Host, secretAndPlain } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * Harness CI. A step writes its outputs as lines into files that the engine names. Lines in HARNESS_OUTPUT_SECRET_FILE
 * are secrets, which Harness masks in the logs of later steps (developer.harness.io, "Plugin step settings", "Output
 * secrets", behind a feature flag). The engine prints a file that it cannot parse (harness/lite-engine,
 * pipeline/runtime/common.go), so this host writes only lines that every parser understands. Steps share the workspace.
 */
export function harness(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On Harness a step gets a secret only through an expression in its environment: `NAME: <+secrets.getValue("name")>`.',
    passOn({ variables }) {
      const [secret, plain] = secretAndPlain(variables, isUnchanged)
      const secretFile = world.env['HARNESS_OUTPUT_SECRET_FILE']
      const plainFile = world.env['HARNESS_OUTPUT_FILE'] || world.env['DRONE_OUTPUT']
      if (secretFile) append(secretFile, secret)
      if (plainFile) append(plainFile, plain)
      const later = secretFile
        ? 'Later steps get the variables as <+steps.STEP_ID.output.outputVariables.NAME>; if output secrets are enabled, the secret ones are hidden in their logs'
        : 'HARNESS_OUTPUT_SECRET_FILE is not set, so there are no output secrets'
      return `${later}. Never print the token in this step. Later steps share the workspace and can load the file.`
    },
  })
}

function append(file: string, variables: readonly (readonly [string, string | Secret])[]): void {
  if (variables.length === 0) return
  const lines = variables.map(([name, value]) => `${name}=${revealed(value)}\n`)
  appendSecret(file, new Secret(`\n${lines.join('')}`))
}

/**
 * Whether all of the engine's parsers read a value unchanged (harness/godotenv v2 and v4): no quotes, `$`, `#` or
 * backslashes, only single spaces inside, and a line below bufio's 64 KiB. Values with the engine's prefix for base64
 * are excluded too.
 */
const isUnchanged = (value: string): boolean =>
  value.length < 60_000 && /^(?!__B64__)[\w.~+/=:@-]+(?: [\w.~+/=:@-]+)*$/.test(value)
