import { defineConfig } from 'vitest/config'
import all from './vitest.config.ts'

/** The tests that neither run dist nor start a process: seconds, for a run after each change. */
export default defineConfig({
  ...all,
  test: {
    ...all.test,
    exclude: [
      '**/node_modules/**',
      'test/{audit,clients,e2e,examples,faults,fuzz,hostile,image,metadata,package,proxies,release,runners,sandbox}/**',
      'test/library/published.test.ts',
      'test/{architecture,simulate}.test.ts',
    ],
    setupFiles: [...(all.test?.setupFiles ?? []), 'test/support/no-processes.ts'],
  },
})
