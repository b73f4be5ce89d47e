import { TokenError } from '../errors.ts'
import type { World } from '../world.ts'

/**
 * The sections of NODE_DEBUG that print headers, data or the environment of child processes. Each was tried with node
 * 20 and 24; not every version prints secrets in all of them.
 */
const leakySections = ['child_process', 'http', 'http2', 'https', 'net', 'stream', 'tls', 'undici']

/**
 * Refuses to run if node's settings write secrets to stderr or let others decrypt the traffic. Node has already read
 * these settings, so the program cannot undo them.
 * @throws {TokenError} `input`
 */
export function refuseLeakyNodeSettings(env: World['env']): void {
  const sections = leakySections.filter(matcherOf(env['NODE_DEBUG'] ?? ''))
  if (sections.length > 0) {
    throw new TokenError(
      'input',
      `NODE_DEBUG=${sections.join(',')} would make node print your secrets.`,
      'Unset NODE_DEBUG for this command. For a more detailed log, set BITBUCKET_DEBUG=true (in the action: debug: true).',
    )
  }
  if (/(?:^|[\s"'])--tls-keylog\b/.test(env['NODE_OPTIONS'] ?? '')) {
    throw new TokenError(
      'input',
      'NODE_OPTIONS=--tls-keylog would make node write to a file the keys that decrypt its traffic.',
      'Remove --tls-keylog from NODE_OPTIONS for this command.',
    )
  }
}

/**
 * Returns whether NODE_DEBUG enables a section, by node's own rules (node: lib/internal/util/debuglog.js,
 * `initializeDebugEnv`).
 */
function matcherOf(debug: string): (section: string) => boolean {
  const pattern = debug
    .replace(/[|\\{}()[\]^$+?.]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll(',', '$|^')
  const sections = new RegExp(`^${pattern}$`, 'i')
  return (section) => sections.test(section)
}
