// Loaded into the program with --import: from the line "Bitbucket credential:" on, every write to stdout and stderr
// fails with the error code in STREAM_FAILS_WITH. The credential has been handed over by then.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { writeSync } = fs
let isDeaf = false
fs.writeSync = (fd, data, ...more) => {
  isDeaf ||= fd <= 2 && Buffer.from(data).includes('Bitbucket credential:')
  if (!isDeaf || fd > 2) return writeSync(fd, data, ...more)
  throw Object.assign(new Error('no more'), { code: process.env.STREAM_FAILS_WITH })
}
syncBuiltinESMExports()
