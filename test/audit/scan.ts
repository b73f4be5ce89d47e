import type { Rule } from '../../src/audit/rule.ts'
import { type Scanned, scanInSteps } from '../../src/audit/scan.ts'

/** Searches one file with all of the rules, without pauses. */
export function scan(path: Buffer, content: Buffer, rules: readonly Rule[]): Scanned {
  const steps = scanInSteps(path, content, rules)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
