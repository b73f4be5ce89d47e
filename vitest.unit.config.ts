import { defineConfig } from 'vitest/config'
import all from './vitest.config.ts'

/**
 * The tests that call src in their own process, which is where coverage and mutants can be seen: not those that run
 * dist, nor those that read the sources themselves. TESTS is a pattern for some of them.
 */
export default defineConfig({
  test: {
    ...all.test,
    include: [process.env['TESTS'] ?? 'test/**/*.test.ts'],
    exclude: [
      'test/{audit,e2e,examples,faults,fuzz,image,metadata,package,proxies,release,sandbox}/**',
      'test/library/published.test.ts',
      'test/{house,simulate}.test.ts',
    ],
    coverage: {
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary', 'json'],
      reportsDirectory: 'build/coverage',
    },
  },
})
