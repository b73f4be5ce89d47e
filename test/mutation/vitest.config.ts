import { defineConfig } from 'vitest/config'
import all from '../../vitest.config.ts'
import unit from '../../vitest.unit.config.ts'

/**
 * The tests that call src in their own process, which is where coverage and mutants can be seen: those of the unit suite, and
 * those beside them that start a shell or git too. TESTS is a pattern for some of them.
 */
export default defineConfig({
  ...all,
  test: {
    ...all.test,
    include: [process.env['TESTS'] ?? 'test/**/*.test.ts'],
    exclude: unit.test?.exclude ?? [],
    coverage: {
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary', 'json'],
      reportsDirectory: 'build/coverage',
    },
  },
})
