import type { Host } from '../../src/hosts/host.ts'
import type { RawInputs } from '../../src/inputs.ts'
import { TextRedactor } from '../../src/redaction/text-redactor.ts'
import { inputsOnce, type Run } from '../../src/run.ts'
import type { World } from '../../src/world.ts'

/** Returns a run in a plain shell. */
export function fakeRun(world: World, rawInputs: RawInputs, host: Host): Run {
  const parts: Omit<Run, 'inputs'> = {
    world,
    rawInputs,
    host,
    hostName: 'shell',
    redactor: new TextRedactor(),
    announced: new Set(),
    deferredError: undefined,
  }
  return { ...parts, inputs: inputsOnce(parts) }
}
