// Runs inside a measured process and reports its CPU time and peak memory when it exits. The probe takes time itself, so it
// runs in every contestant and never in a process whose duration counts.
const { readFileSync, writeFileSync } = require('node:fs')

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  let peak = maxRSS
  try {
    // maxRSS of a child includes the memory that its parent had when it forked. VmHWM does not.
    peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    // Not Linux.
  }
  writeFileSync(3, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, peak: peak / 1024 }))
})
