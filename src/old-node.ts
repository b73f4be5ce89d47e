import { failureScript } from './failure-script.ts'

/** The oldest version of Node that runs this program. package.json repeats it as `engines`. */
export const oldestNode = 20

/**
 * If this Node is too old, writes which version is needed and which was found, and sets the exit status to 1. The build
 * converts this file to the syntax of Node 12, and it may only call functions that Node 12 has.
 * @returns whether this Node is too old
 */
export function refuseOldNode(
  process: Pick<NodeJS.Process, 'versions' | 'argv' | 'env' | 'stdout' | 'stderr' | 'exitCode'>,
): boolean {
  const { node } = process.versions
  if (Number.parseInt(node, 10) >= oldestNode) return false
  const args = process.argv.slice(2)
  const text = `bitbucket-token needs Node.js ${oldestNode} or later, but this is Node.js ${node}.`
  // With arguments, stdout may be data. Runners also read annotations from stderr.
  const stream = args.length === 0 ? process.stdout : process.stderr
  if (process.env['GITHUB_ACTIONS'] || process.env['GITEA_ACTIONS'])
    stream.write(`::error title=bitbucket-token::${text}\n`)
  else process.stderr.write(`error: ${text}\n`)
  process.stdout.write(failureScript(args, 1))
  process.exitCode = 1
  return true
}
