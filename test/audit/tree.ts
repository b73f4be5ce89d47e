import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes a temporary directory with these files, and removes it after the test. */
export function makeTree(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-audit-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  writeTree(root, files)
  return root
}

export function writeTree(root: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}
