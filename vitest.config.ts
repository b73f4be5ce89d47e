import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { missingPrograms, tagsFor } from './test/support/programs.ts'

export default defineConfig({
  // Otherwise Vite warns about each source map that @actions/workflow-parser lacks.
  logLevel: 'error',
  test: {
    include: ['test/**/*.test.ts'],
    tags: tagsFor(missingPrograms()),
    reporters: ['default', './test/support/missing-programs.ts'],
    // Each file gets its own process, so a test that changes the umask or the environment touches no other.
    pool: 'forks',
    // Vitest would use one worker on two cores, but most tests wait for other processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    setupFiles: ['test/support/secret-equality.ts', 'test/support/fixed-seed.ts'],
    testTimeout: 30_000,
    // A test that waits for another process must wait longer on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    // It imports JSON in a way that bundlers understand and Node does not.
    server: { deps: { inline: ['@actions/workflow-parser'] } },
  },
})
