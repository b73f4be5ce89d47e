import { failureScript } from './evaluated.ts'

/** The first version of Node that runs this program; package.json names it too, as `engines`. */
export const oldestNode = 20

/**
 * Says which Node is needed and which was found, if this one is too old, and sets the exit status 1. The build writes this
 * file in the syntax of Node 12; what it calls must exist there too.
 * @returns whether this Node is too old
 */
export function refuseOldNode(
  process: Pick<NodeJS.Process, 'versions' | 'argv' | 'env' | 'stdout' | 'stderr' | 'exitCode'>,
): boolean {
  const { node } = process.versions
  if (Number.parseInt(node, 10) >= oldestNode) return false
  const args = process.argv.slice(2)
  const text = `bitbucket-token needs Node.js ${oldestNode} or later, but this is Node.js ${node}.`
  // With arguments stdout may be data. Runners read annotations on stderr too.
  const stream = args.length === 0 ? process.stdout : process.stderr
  if (process.env['GITHUB_ACTIONS'] || process.env['GITEA_ACTIONS'])
    stream.write(`::error title=bitbucket-token::${text}\n`)
  else process.stderr.write(`error: ${text}\n`)
  process.stdout.write(failureScript(args, 1))
  process.exitCode = 1
  return true
}
