import { TokenError } from '../errors.ts'
import type { World } from '../world.ts'

/**
 * Sections of node's own debug output that print headers, what is read and written, or the environment of children: node
 * 20 and 24 were tried with each. Not all of them do so in each version.
 */
const tellingSections = ['child_process', 'http', 'http2', 'https', 'net', 'stream', 'tls', 'undici']

/**
 * Refuses to run with settings of node that write secrets to stderr or let others decrypt what is sent. Node has read them
 * by now, so they cannot be taken back.
 * @throws {TokenError} `input`
 */
export function refuseTellingNode(env: World['env']): void {
  const sections = tellingSections.filter(matcherOf(env['NODE_DEBUG'] ?? ''))
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

/** As node does it (node: lib/internal/util/debuglog.js, `initializeDebugEnv`). */
function matcherOf(debug: string): (section: string) => boolean {
  if (debug === '') return () => false
  const pattern = debug
    .replace(/[|\\{}()[\]^$+?.]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll(',', '$|^')
  const sections = new RegExp(`^${pattern}$`, 'i')
  return (section) => sections.test(section)
}
