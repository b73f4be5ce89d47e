const { readdirSync } = require('node:fs')

const left = readdirSync(process.env.RUNNER_TEMP).filter((name) => name.startsWith('bitbucket-token'))
console.log(`The witness found ${left.length} files left.`)
process.exitCode = left.length === 0 ? 0 : 1
