import { expect, test } from 'vitest'
import { loadingHint } from '../../src/hosts/loading-hint.ts'

const sh = "For this shell: . '/it/env.sh'"
const powershell =
  "For PowerShell: bitbucket-token print --format powershell | Out-String | Invoke-Expression. For sh and bash: . '/it/env.sh'"

test.each<[string, NodeJS.Platform, Record<string, string>, string]>([
  ['sh on Linux', 'linux', { SHELL: '/bin/bash' }, sh],
  ['PowerShell on Linux', 'linux', { PSModulePath: '/home/a/.local/share/powershell/Modules' }, powershell],
  ['PowerShell on macOS', 'darwin', { PSModulePath: '/Users/a/.local/share/powershell/Modules' }, powershell],
  ['PowerShell on Windows', 'win32', { PSModulePath: 'C:\\x' }, powershell],
  ['Git Bash on Windows', 'win32', { PSModulePath: 'C:\\x', MSYSTEM: 'MINGW64' }, sh],
])('tells %s how to load the variables', (_, platform, env, hint) => {
  expect(loadingHint('/it/env.sh', { env, platform })).toBe(hint)
})
