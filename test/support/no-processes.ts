import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

// Loaded by `npm run test:unit`, so that a test that starts a process cannot slip into it.
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const)
  Object.defineProperty(childProcess, name, {
    value: (program: string) => {
      throw new Error(
        `test:unit starts no process: give the test that starts ${program} the program as a tag, or "process".`,
      )
    },
  })
syncBuiltinESMExports()
