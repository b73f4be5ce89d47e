import type { SandboxOptions } from '../../src/sandbox/index.ts'
import type { inputsFor } from '../e2e/support/bitbucket.ts'
import type { Reader } from './steps.ts'

/** An example that is done as it is written, and how. */
export interface Run {
  /** What its steps are read as. */
  readonly as: Reader
  /** What the job is given. Default: the consumer. */
  readonly credential?: keyof typeof inputsFor
  /** Written in the first step's shell, before it: what the text around the example says was done. */
  readonly before?: string
  /** Written in the last step's shell, after it: what shows that the example did it. */
  readonly after?: string
  /** What stands for what here, where a test cannot have the thing itself. */
  readonly instead?: Readonly<Record<string, string>>
  readonly programs?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly sandbox?: SandboxOptions
  /** What it says when it fails, as an example of what is wrong must. */
  readonly fails?: string
}

/** An example that no test runs, and why. */
export interface NotRun {
  readonly notRun: string
  /** What can be checked all the same: its shell, and a CI's file by the rules of that CI. */
  readonly as?: Reader
}

const clone = 'git clone --quiet https://bitbucket.org/acme/website.git'
const acquired = 'bitbucket-token\n. .bitbucket-token/env.sh'

export const isRun = (treatment: Run | NotRun): treatment is Run => !('notRun' in treatment)

/** What becomes of each example. One that is not here fails a test, and so does a line without an example. */
export const table: Readonly<Record<string, Run | NotRun>> = {
  'README.md#bitbucket-token': { as: 'github' },
  'README.md#bitbucket-token 2': { as: 'pipelines' },
  'README.md#bitbucket-token 3': { as: 'shell' },
  'README.md#bitbucket-token 4': {
    as: 'shell',
    notRun: 'npm scripts: .ci/run has both, the first one in a fresh clone',
  },

  'CONTRIBUTING.md#contributing': { as: 'shell', notRun: 'npm scripts: .ci/run has all of them' },
  'CONTRIBUTING.md#where-things-are': { notRun: 'a list of files' },
  'CONTRIBUTING.md#recipes': { notRun: 'a piece of TypeScript' },
  'CONTRIBUTING.md#recipes 2': { notRun: 'a piece of TypeScript' },

  'docs/ci.md#azure-pipelines': { as: 'azure' },
  'docs/ci.md#buildkite': {
    as: 'shell',
    env: { BUILDKITE_AGENT_JOB_API_SOCKET: '/dev/null', BUILDKITE_AGENT_JOB_API_TOKEN: 'of-the-agent' },
  },
  'docs/ci.md#circleci': { as: 'circleci' },
  'docs/ci.md#codefresh': { as: 'commands' },
  'docs/ci.md#drone-woodpecker': { as: 'commands' },
  'docs/ci.md#gitlab-ci': { as: 'gitlab' },
  'docs/ci.md#harness-ci': { as: 'harness' },
  'docs/ci.md#jenkins': { as: 'jenkins' },
  'docs/ci.md#teamcity': { as: 'shell' },

  'docs/command-line.md#the-command-line': { notRun: 'the form of a command, not one' },
  'docs/command-line.md#print': { as: 'shell' },
  'docs/command-line.md#print 2': { as: 'shell', credential: 'apiToken' },
  'docs/command-line.md#check': { as: 'shell' },
  'docs/command-line.md#the-image-as-a-jobs-image': {
    as: 'gitlab',
    // The image has busybox, whose wget takes the same header.
    instead: { 'wget -qO-': 'curl --fail' },
  },

  'docs/git.md#jobs-longer-than-the-token': { as: 'shell', after: clone },
  'docs/git.md#the-git-credentials-file': {
    as: 'shell',
    before: `export BITBUCKET_CONFIGURE_GIT=false\n${acquired}`,
  },
  'docs/git.md#docker-builds': { as: 'shell', notRun: 'takes BuildKit, and an image that has git' },
  'docs/git.md#docker-builds 2': {
    as: 'docker',
    before: acquired,
    instead: { '/run/secrets/git-credentials': '$PWD/.bitbucket-token/git-credentials' },
  },
  'docs/git.md#go': { as: 'shell', notRun: 'takes Go and a module' },
  'docs/git.md#pip': { as: 'shell', notRun: 'takes pip and a Python package' },
  'docs/git.md#composer': {
    as: 'shell',
    before: acquired,
    // Composer refuses to start if this is no JSON.
    programs: {
      composer: `#!/bin/sh\nexec '${process.execPath}' -e 'JSON.parse(process.env.COMPOSER_AUTH)'`,
    },
  },

  'docs/refresh-tokens.md#whole-examples': {
    as: 'github',
    notRun: 'writes a secret on GitHub; test/e2e/stores.test.ts does',
  },
  'docs/refresh-tokens.md#whole-examples 2': {
    as: 'pipelines',
    credential: 'refreshToken',
    sandbox: { scopes: ['repository', 'pipeline', 'pipeline:variable'] },
  },
  'docs/refresh-tokens.md#whole-examples 3': { notRun: 'settings of a job, without a script' },
  'docs/refresh-tokens.md#whole-examples 4': {
    as: 'shell',
    credential: 'refreshToken',
    before: 'mkdir -m 700 ../state',
    instead: { '/var/lib/ci/bitbucket': '$PWD/../state' },
  },

  'docs/reliability.md#to-see-it-for-yourself': { as: 'shell', notRun: 'npm scripts: .ci/run has both' },

  'docs/sandbox.md#the-sandbox-an-embedded-bitbucket': { as: 'shell' },
  'docs/sandbox.md#the-sandbox-an-embedded-bitbucket 2': { as: 'module' },

  'docs/secrets.md#secrets-under-fire': { as: 'shell', notRun: 'npm scripts: many minutes of them' },
}
