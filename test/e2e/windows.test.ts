import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { assertNothingLeft, runAction, runPost } from './support/action.ts'
import { test } from './support/bitbucket.ts'
import { pathWithoutProject, runBundle } from './support/program.ts'
import { makeTree } from './support/run.ts'

const onWindows = new URL('./support/on-windows.mjs', import.meta.url).href

/** Makes a PATH on which `C:\Windows\System32\icacls.exe` is a script. */
function withIcacls(script: string): { PATH: string; seen: string } {
  const directory = makeTree()
  const program = join(directory, 'C:\\Windows\\System32\\icacls.exe')
  const seen = join(directory, 'seen')
  writeFileSync(program, `#!/bin/sh\n${script.replaceAll('SEEN', seen)}\n`)
  chmodSync(program, 0o755)
  return { PATH: `${directory}:${pathWithoutProject}`, seen }
}

test('on Windows, the action makes its directory private before it writes a secret, and removes it at the end', async ({
  bitbucket,
}) => {
  const { PATH, seen } = withIcacls(
    '{ echo "$1: $(ls -A "$1")"; tr "\\0" "\\n" </proc/$$/environ | sed "/^PATH=/d"; } >>SEEN',
  )
  const main = await runAction({ bitbucket, env: { PATH }, preload: onWindows })
  expect([main.status, main.stderr]).toEqual([0, ''])
  const file = main.outputs['git-credentials-file'] ?? ''
  expect(readFileSync(file, 'utf8')).toMatch(/^http:\/\/x-token-auth:/)
  // The directory is still empty, and icacls gets only PATH, because our environment holds the inputs.
  expect(readFileSync(seen, 'utf8')).toBe(`${dirname(file)}: \n`)
  assertNothingLeft(await runPost(main))
})

test('on Windows, exits 1 and hands over nothing if the directory cannot be made private', async ({
  bitbucket,
}) => {
  const { PATH } = withIcacls('exit 5')
  const failed = await runAction({ bitbucket, env: { PATH }, preload: onWindows })
  expect(failed.status).toBe(1)
  expect(failed.stdout).toContain('icacls.exe could not keep other users out of it')
  expect([failed.outputs, failed.env]).toEqual([{}, {}])
})

test.each([
  ['on Windows', '1\n', onWindows],
  ['elsewhere', '\n', undefined],
])('%s, a child finds %j in NoDefaultCurrentDirectoryInExePath', async (_, said, preload) => {
  const { stdout, status } = await runBundle({
    args: ['sandbox', '--', '/bin/sh', '-c', 'echo "$NoDefaultCurrentDirectoryInExePath"'],
    env: {},
    cwd: makeTree(),
    ...(preload !== undefined && { preload }),
  })
  expect([stdout, status]).toEqual([said, 0])
})
