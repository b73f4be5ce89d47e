import { type ProgramName, programs } from './programs.ts'

/** A named set of tests: `npm test` is `all`, `npm run test:faults` is `faults`, `npm test proxies` is `proxies`. */
interface Suite {
  /** The programs that its tests have as tags. With CI set, a missing one is an error before the first test. */
  readonly needs: readonly ProgramName[]
  /** Directories and files. Default: all tests. */
  readonly files?: readonly string[]
  /** Default values of variables that the tests read. */
  readonly env?: Readonly<Record<string, string>>
  /** A variable that the caller must set, with an example. */
  readonly demands?: readonly [name: string, example: string]
  /** More arguments for Vitest. */
  readonly args?: readonly string[]
  /** Set if its tests run dist, which is then built first. */
  readonly needsBuild?: true
  /** A script to run before the tests. If it exits with 77, the suite is skipped. */
  readonly prepare?: string
}

/** Not part of `npm test`: they need minutes, the network, or programs that few machines have. */
const slow = [
  'test/clients',
  'test/faults',
  'test/proxies',
  'test/image',
  'test/package',
  'test/runners',
  'test/release/package-digest.test.ts',
  'test/release/product.test.ts',
]

const shells = ['bash', 'busybox', 'dash', 'sh'] as const

export const suites: Readonly<Record<string, Suite>> = {
  all: {
    needs: [
      ...shells,
      ...([
        'base64',
        'chromium',
        'curl',
        'git',
        'git-lfs',
        'jq',
        'ksh',
        'openssl',
        'script',
        'shellcheck',
        'tar',
        'zsh',
      ] as const),
    ],
    args: slow.map((path) => `--exclude=${path}`),
    needsBuild: true,
  },
  unit: {
    needs: [],
    args: [
      '--config=vitest.unit.config.ts',
      ...['process', ...programs.keys()].map((tag) => `--tags-filter=!${tag}`),
    ],
  },
  audit: { needs: ['git'], files: ['test/audit'], args: ['--reporter=./test/audit/corpus-report.ts'] },
  // A client that this machine cannot run is skipped. The table at the end lists it.
  clients: {
    needs: ['git', 'openssl', 'sh'],
    files: ['test/clients'],
    args: ['--maxWorkers=1', '--reporter=./test/clients/report.ts'],
    needsBuild: true,
    prepare: 'test/clients/install.ts',
  },
  crashes: { needs: [], files: ['test/e2e/crashes.test.ts'], env: { CRASHES: 'all' }, needsBuild: true },
  faults: {
    needs: ['openssl'],
    files: ['test/faults'],
    args: ['--maxWorkers=2', '--reporter=./test/faults/figures.ts'],
  },
  fuzz: { needs: ['sh'], files: ['test/fuzz'], env: { FUZZ_RUNS: '20000', FUZZ_SEED: 'random' } },
  hostile: { needs: ['git', 'openssl', 'sh', 'tar'], files: ['test/hostile'], needsBuild: true },
  image: {
    needs: ['bash', 'curl', 'dash', 'docker', 'git-lfs', 'openssl'],
    files: ['test/image'],
    demands: ['IMAGE', 'bitbucket-token:ci'],
  },
  package: { needs: [], files: ['test/package'], env: { NODE_VERSIONS: '20 22 24' } },
  // Tests that do not need POSIX.
  portable: {
    needs: [],
    files: [
      ...['bitbucket', 'credentials'].map((directory) => `test/${directory}`),
      ...['errors', 'secret', 'inputs', 'command-line', 'command-flags'].map(
        (name) => `test/${name}.test.ts`,
      ),
    ],
  },
  proxies: { needs: ['openssl', 'squid', 'tinyproxy'], files: ['test/proxies'] },
  // The programs of CIs are optional. The table at the end says which ones ran.
  runners: {
    needs: ['bash', 'curl', 'docker', 'git', 'openssl', 'rsync'],
    files: ['test/runners'],
    args: ['--maxWorkers=1', '--reporter=./test/runners/report.ts'],
    needsBuild: true,
    prepare: 'test/runners/install.ts',
  },
  release: {
    needs: ['base64', 'bash', 'docker', 'git', 'openssl', 'sh'],
    files: ['test/release'],
    env: { RELEASE: '1' },
  },
}
