// Loaded into a measured process: reports its CPU time and peak memory when it ends. In rounds of its own, and into every
// contestant alike, for it takes time itself.
const { readFileSync, writeFileSync } = require('node:fs')

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  let peak = maxRSS
  try {
    // maxRSS of a child begins with what its parent had when it forked; this is of the program alone.
    peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    // Not Linux.
  }
  writeFileSync(3, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, peak: peak / 1024 }))
})
