import open from 'open'
import type { World } from '../world.ts'

type Environment = World['env']

/** Returns why no browser should be opened, or undefined if this machine probably has one. */
export function whyNoBrowser(env: Environment): string | undefined {
  return env['SSH_CONNECTION'] || env['SSH_TTY'] ? 'this is an SSH session' : undefined
}

/**
 * Opens a page in the user's browser. If the launcher fails after it has started, nothing reports that.
 * @param env the browser's environment; without credentials, because the browser outlives this program
 */
export async function openBrowser(url: URL, env: Environment): Promise<void> {
  const own = process.env
  // `open` always passes on the environment of the process and has no option for another.
  process.env = { ...env }
  try {
    await open(url.href)
  } finally {
    process.env = own
  }
}
