import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

// Loaded by `npm run test:unit`, so a test that starts a process fails there.
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const)
  Object.defineProperty(childProcess, name, {
    value: (program: string) => {
      throw new Error(`test:unit starts no process. Add the tag "${program}" or "process" to the test.`)
    },
  })
syncBuiltinESMExports()
