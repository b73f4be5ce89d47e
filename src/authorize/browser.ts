import open from 'open'
import type { World } from '../world.ts'

type Environment = World['env']

/** Why no browser is opened without being asked; undefined where one may well be there. */
export function whyNoBrowser(env: Environment): string | undefined {
  return env['SSH_CONNECTION'] || env['SSH_TTY'] ? 'this is an SSH session' : undefined
}

/**
 * Opens a page in the person's browser, as far as that can be known: the launcher may still fail unseen.
 * @param env what the browser gets; it lives on, and needs no credential
 */
export async function openBrowser(url: URL, env: Environment): Promise<void> {
  const own = process.env
  // The library gives a browser the environment of the process, and takes no other.
  process.env = { ...env }
  try {
    await open(url.href)
  } finally {
    process.env = own
  }
}
