import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty directory that goes when the test ends; its name has a space and a quote, as a user's may. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "bitbucket token's-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
