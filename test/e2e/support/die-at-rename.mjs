// The runner, or the kernel that needs memory, kills the program just before a secret file is put into its place.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

fs.renameSync = () => process.kill(process.pid, 'SIGKILL')
syncBuiltinESMExports()
