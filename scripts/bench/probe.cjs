// Loaded into a measured process. Reports its CPU time and peak memory when it ends. Because the probe takes time itself,
// wall-clock time is measured in other processes, and every contestant loads it.
const { readFileSync, writeFileSync } = require('node:fs')

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  let peak = maxRSS
  try {
    // maxRSS of a child starts at its parent's size at the fork; VmHWM counts only the program itself.
    peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    // Not Linux.
  }
  writeFileSync(3, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, peak: peak / 1024 }))
})
