import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes an empty directory, removed when the test ends. Its name has a space and a quote, as a user's may have. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "bitbucket token's-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
