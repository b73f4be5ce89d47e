import { defineConfig } from 'vitest/config'
import all from '../../vitest.config.ts'
import unit from '../../vitest.unit.config.ts'

/**
 * Runs the tests that call src in their own process, because coverage and mutants can be seen only there: the unit suite,
 * and similar tests that also start a shell or git. TESTS is a pattern that selects some of them.
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
