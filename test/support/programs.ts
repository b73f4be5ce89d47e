/**
 * The programs that some tests need and that a machine may lack. A test names each that it starts, itself or in a script,
 * as a tag: `test('…', { tags: ['git-lfs'] }, …)`. Without the program the test is skipped, and the run ends with a block that
 * says so (missing-programs.ts). With CI set, the run fails instead, before the first test (run.ts).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type RunnerName, runners, whyMissing } from '../runners/install.ts'

interface Program {
  /** What its tests cover, for the block at the end of a run. */
  readonly tests: string
  /** The command that installs it. */
  readonly install: string
  /** Returns whether it is available. Default: PATH has a program of this name. */
  readonly find?: () => boolean
  /** Set if CI may lack it: a permission that not every machine gives, or a file that we may not distribute. */
  readonly isOptional?: true
}

const root = join(import.meta.dirname, '../..')
const runner = (name: RunnerName) => ({
  tests: "jobs that a CI's own software runs",
  install: `npm run test:runners (${runners[name].package} ${runners[name].version}, by ${runners[name].installer})`,
  find: () => whyMissing(name) === undefined,
  isOptional: true as const,
})
const debian = (...packages: string[]) => `.ci/apt-install ${packages.join(' ')}`

const table = {
  base64: { tests: 'pieces of a token in Base64', install: debian('coreutils') },
  bash: { tests: 'env.sh in bash, CircleCI, the examples of the documents', install: debian('bash') },
  busybox: { tests: 'env.sh in the shell of Alpine', install: debian('busybox') },
  chromium: {
    tests: 'the pages of authorize, in a browser',
    install: debian('chromium'),
    find: () => chromiumPath() !== undefined,
  },
  curl: { tests: 'REST and netrc with the results, as a job uses them', install: debian('curl') },
  dash: { tests: 'env.sh in dash, the /bin/sh of Debian', install: debian('dash') },
  docker: {
    tests: 'the image, in a Docker engine',
    install: 'eval "$(.ci/docker-engine start)"',
    find: () => isOnPath('docker') && spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0,
  },
  git: { tests: 'git with the results', install: debian('git') },
  'git-lfs': { tests: 'Git LFS with the results, and with the sandbox', install: debian('git-lfs') },
  ksh: { tests: "git's configuration in ksh", install: debian('ksh') },
  jq: { tests: 'examples of the documents that read JSON', install: debian('jq') },
  openssl: { tests: 'TLS: the examples of the documents, proxies, faults', install: debian('openssl') },
  script: { tests: 'print on a terminal', install: debian('bsdutils') },
  sh: { tests: 'env.sh, stores and helpers in a POSIX shell', install: debian('dash') },
  shellcheck: { tests: 'the scripts in the documents', install: debian('shellcheck') },
  squid: { tests: 'a real proxy', install: debian('squid') },
  tar: { tests: 'the content of archives of a workspace', install: debian('tar') },
  tinyproxy: { tests: 'a real proxy', install: debian('tinyproxy') },
  zsh: { tests: 'eval of a failure, in zsh', install: debian('zsh') },

  rsync: { tests: 'gitlab-ci-local, which copies files with rsync', install: debian('rsync') },
  act: runner('act'),
  'buildkite-agent': runner('buildkite-agent'),
  'gitlab-ci-local': runner('gitlab-ci-local'),
  'pipeline-runner': runner('pipeline-runner'),

  'other-user': {
    tests: 'root in the clone of another user',
    install: 'run the tests as root, in a clone that every user may read',
    find: canRunAsOther,
    isOptional: true,
  },
  unshare: {
    tests: 'docker run, simulated with namespaces',
    install: 'run the tests as root, in a container with CAP_SYS_ADMIN',
    find: canIsolate,
    isOptional: true,
  },
  root: {
    tests: "a directory that is another user's",
    install: 'run the tests as root',
    find: isRoot,
    isOptional: true,
  },
  mount: {
    tests: 'full and read-only disks',
    install: 'run the tests as root, in a container with CAP_SYS_ADMIN',
    find: canMount,
    isOptional: true,
  },
  cosign: {
    tests: 'a signature, as docs/verify.md checks it',
    install: 'go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
    isOptional: true,
  },
  buildx: {
    tests: 'that two builds of the image have the same digest',
    install: 'eval "$(.ci/buildkit start build/buildkit)" (it needs Go, or a Docker with Buildx)',
    find: () => process.env['BUILDX_BUILDER'] !== undefined,
    isOptional: true,
  },
  'bitbucket-pipelines.schema.json': {
    tests: "examples for Pipelines, by Atlassian's schema",
    install:
      'curl --create-dirs --output ../shared/data/bitbucket-pipelines.schema.json https://api.bitbucket.org/schemas/pipelines-configuration',
    find: () => existsSync(pipelinesSchema),
    isOptional: true,
  },
  'bitbucket-swagger.yaml': {
    tests: "audit, by Atlassian's description of the REST API",
    install: "put Atlassian's swagger.json of December 2025 into ../shared/data/bitbucket-swagger.yaml",
    find: () => existsSync(restDescription),
    isOptional: true,
  },
} as const satisfies Readonly<Record<string, Program>>

export type ProgramName = keyof typeof table

/** `process` means dist, Node itself, or a script that the test writes. It cannot be missing. */
type Tag = ProgramName | 'process'

declare module 'vitest' {
  interface TestTags {
    tags: Tag
  }
}

// We may not distribute these files, so they are beside the clone if they exist.
export const pipelinesSchema = join(root, '../shared/data/bitbucket-pipelines.schema.json')
export const restDescription = join(root, '../shared/data/bitbucket-swagger.yaml')

export const programs: ReadonlyMap<string, Program> = new Map<string, Program>(Object.entries(table))

/** The shells whose users source env.sh. `tags` is for a test that uses the shell. */
export const shells = [
  { name: 'sh', command: ['sh'], tags: ['sh'] },
  { name: 'dash', command: ['dash'], tags: ['dash'] },
  { name: 'bash', command: ['bash'], tags: ['bash'] },
  { name: 'busybox sh', command: ['busybox', 'sh'], tags: ['busybox'] },
] as const satisfies readonly { name: string; command: readonly string[]; tags: ProgramName[] }[]

/** Returns the names of the programs that this machine lacks. */
export function missingPrograms(): string[] {
  return [...programs].filter(([name, { find }]) => !(find ?? (() => isOnPath(name)))()).map(([name]) => name)
}

/** Returns Vitest's tags, one for each program. `skip` skips the tests of a missing program. */
export function tagsFor(missing: readonly string[]) {
  return [
    { name: 'process' as const, description: 'runs or reads dist, Node or a script of its own' },
    ...[...programs].map(([name, { tests }]) => ({
      name: name as ProgramName,
      description: tests,
      ...(missing.includes(name) && { skip: true }),
    })),
  ]
}

/** Returns Chromium's path: CHROMIUM, or the first name on PATH that Debian, Chrome or Alpine uses. */
export function chromiumPath(): string | undefined {
  const names = ['chromium', 'google-chrome', 'chromium-browser']
  return process.env['CHROMIUM'] ?? names.map(pathOf).find((path) => path !== undefined)
}

const isOnPath = (name: string): boolean => pathOf(name) !== undefined

/** Returns the path of a program on PATH. The project's own programs, which npm puts first, do not count. */
function pathOf(name: string): string | undefined {
  const directories = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules'))
  const names = process.platform === 'win32' ? [`${name}.exe`] : [name]
  return directories
    .flatMap((directory) => names.map((file) => join(directory, file)))
    .find((path) => existsSync(path))
}

function isRoot(): boolean {
  return process.geteuid?.() === 0
}

function canRunAsOther(): boolean {
  const reads = `fs.accessSync(${JSON.stringify(join(root, 'package.json'))})`
  return isRoot() && spawnSync(process.execPath, ['-e', reads], { uid: 1000, gid: 1000 }).status === 0
}

function canIsolate(): boolean {
  const options = ['--mount', '--pid', '--fork', '--mount-proc', 'mount', '-t', 'tmpfs', 'none', '/run']
  return isRoot() && spawnSync('unshare', options, { stdio: 'ignore' }).status === 0
}

/** Returns whether mounting works. It tries, because a container may forbid it even to root. */
function canMount(): boolean {
  if (!isRoot()) return false
  const directory = mkdtempSync(join(tmpdir(), 'bitbucket-token-mount-'))
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', directory]).status === 0
  if (isMounted) spawnSync('umount', [directory])
  rmdirSync(directory)
  return isMounted
}
