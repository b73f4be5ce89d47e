import type { SandboxOptions } from '../../src/sandbox/index.ts'
import type { Bitbucket, inputsFor } from '../e2e/support/bitbucket.ts'
import { examples } from './documents.ts'
import type { Reader } from './steps.ts'

/** How to run an example as it is written. */
export interface Run {
  /** The reader of its steps. */
  readonly as: Reader
  /** The credential of the job; by default the OAuth client. */
  readonly credential?: keyof typeof inputsFor
  /** Runs before the example in the first step's shell, to do what the text around the example assumes. */
  readonly before?: string
  /** Runs after the example in the last step's shell, to show that it worked. */
  readonly after?: string
  /** Replacements for text that a test cannot use as it is. */
  readonly instead?: Readonly<Record<string, string>>
  readonly programs?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly sandbox?: SandboxOptions
  /** Prepares the sandbox, and returns more variables. */
  readonly prepare?: (bitbucket: Bitbucket) => Readonly<Record<string, string>>
  /** What the example prints when it fails. Set for examples of mistakes. */
  readonly fails?: string
}

/** An example that no test runs, with the reason. */
export interface NotRun {
  readonly notRun: string
  /** The reader of its steps, because the shell code, and the CI's file by its schema, can still be checked. */
  readonly as?: Reader
}

const clone = 'git clone --quiet https://bitbucket.org/acme/website.git'
const acquired = 'bitbucket-token\n. .bitbucket-token/env.sh'

const appPasswordsAreGone = 'App passwords are deprecated and must be replaced with API tokens.'
const appPassword = {
  as: 'shell',
  env: { BITBUCKET_USERNAME: 'ada', BITBUCKET_APP_PASSWORD: 'ATBBnobodyTakesThisAnyMore' },
} as const

/** Writes the script of the first example to a file. */
const nightly = `cat > nightly.sh <<'END'
${examples.find(({ name }) => name === 'docs/ci.md#jobs-that-outlive-their-token')?.text}
END`

/** A wrong line and its correction. */
const troubleshooting = (section: string, old: Run, right: Run = { as: 'shell' }): Record<string, Run> => ({
  [`docs/troubleshooting.md#${section}, old`]: old,
  [`docs/troubleshooting.md#${section}, new`]: right,
})

/** Programs that use the library. */
const library = (document: string, ...sections: readonly string[]): Record<string, NotRun> =>
  Object.fromEntries(
    sections.map((section) => [
      `docs/${document}.md#${section}`,
      { notRun: 'test/library/published.test.ts compiles and runs it' },
    ]),
  )

export const isRun = (treatment: Run | NotRun): treatment is Run => !('notRun' in treatment)

/** How to treat each example. A test fails if an example is missing here, or a line has no example. */
export const table: Readonly<Record<string, Run | NotRun>> = {
  'README.md#github-actions': { as: 'github' },
  'README.md#bitbucket-pipelines': { as: 'pipelines' },
  'README.md#docker': { as: 'shell' },
  'README.md#npm': { as: 'shell' },
  'README.md#npm 2': { notRun: 'test/library/published.test.ts compiles and runs it' },
  'README.md#try-it': {
    as: 'shell',
    notRun: 'npm scripts: .ci/run runs both, the first one in a fresh clone',
  },

  'CONTRIBUTING.md#contributing': { as: 'shell', notRun: 'npm scripts: .ci/run runs those that must pass' },
  'CONTRIBUTING.md#contributing 2': { as: 'shell', notRun: 'runs tests' },
  'CONTRIBUTING.md#contributing 3': { as: 'shell', notRun: 'npm scripts that take long' },
  'CONTRIBUTING.md#contributing 4': { as: 'shell', notRun: 'commands that are rarely used' },
  'CONTRIBUTING.md#a-new-ci': { notRun: 'a piece of TypeScript' },
  'CONTRIBUTING.md#a-new-ci 2': { notRun: 'a piece of TypeScript' },
  'CONTRIBUTING.md#a-new-kind-of-credential': { notRun: 'a piece of TypeScript' },

  'CONTRIBUTING.md#a-release': { as: 'shell', notRun: 'makes a release; test/release does so in a clone' },

  'CONTRIBUTING.md#a-release 2': { as: 'shell', notRun: 'publishes a release on npm' },

  'docs/architecture.md#architecture': { notRun: 'a diagram' },

  'docs/audit.md#audit': {
    as: 'shell',
    before: 'git init --quiet\nmkdir services\ngit commit --quiet --allow-empty --message "A start"',
  },
  'docs/audit.md#in-a-ci': { as: 'github', after: 'jq --exit-status .runs audit.sarif' },
  'docs/audit.md#in-a-ci 2': {
    as: 'gitlab',
    after: 'jq --exit-status length==0 gl-code-quality-report.json',
  },
  'docs/audit.md#in-a-ci 3': { as: 'pipelines' },

  'docs/ci.md#every-other-ci': { as: 'shell' },
  'docs/ci.md#github-gitea-forgejo': { as: 'github' },
  'docs/ci.md#azure-pipelines': { as: 'azure' },
  'docs/ci.md#buildkite': {
    as: 'shell',
    env: { BUILDKITE_AGENT_JOB_API_SOCKET: '/dev/null', BUILDKITE_AGENT_JOB_API_TOKEN: 'of-the-agent' },
  },
  'docs/ci.md#buildkite 2': { as: 'shell' },
  'docs/ci.md#circleci': { as: 'circleci' },
  'docs/ci.md#codefresh': { as: 'codefresh' },
  'docs/ci.md#drone': { as: 'drone' },
  'docs/ci.md#woodpecker': { as: 'woodpecker' },
  'docs/ci.md#gitlab-ci': { as: 'gitlab' },
  'docs/ci.md#gitlab-ci 2': { as: 'gitlab' },
  'docs/ci.md#harness-ci': { as: 'harness' },
  'docs/ci.md#jenkins': { as: 'jenkins' },
  'docs/ci.md#teamcity': { as: 'shell' },
  'docs/ci.md#jobs-that-outlive-their-token': { as: 'shell', notRun: 'the next three examples run it' },
  'docs/ci.md#jobs-that-outlive-their-token 2': { as: 'github', before: nightly },
  'docs/ci.md#jobs-that-outlive-their-token 3': { as: 'gitlab', before: nightly },
  'docs/ci.md#jobs-that-outlive-their-token 4': { as: 'pipelines', before: nightly },
  'docs/ci.md#podman-and-selinux': {
    as: 'shell',
    instead: { podman: 'docker', 'docker.io/': '', ' --userns=keep-id': '', ':z"': '"' },
  },
  'docs/ci.md#bitbuckets-self-hosted-runners': { as: 'pipelines' },
  'docs/ci.md#aws-codebuild': { as: 'codebuild' },
  'docs/ci.md#google-cloud-build': { as: 'scripts' },
  'docs/ci.md#tekton': { as: 'scripts' },
  'docs/ci.md#kubernetes-argo-workflows': { as: 'kubernetes' },

  'docs/command-line.md#the-command-line': { as: 'shell' },
  'docs/command-line.md#exec': { as: 'shell' },
  'docs/command-line.md#print': { as: 'shell' },
  'docs/command-line.md#print 2': { as: 'shell', credential: 'apiToken' },
  'docs/command-line.md#check': { as: 'shell' },
  'docs/command-line.md#cleanup': { as: 'shell', before: acquired },
  'docs/command-line.md#dry-run': { as: 'shell' },
  'docs/command-line.md#the-image-as-a-jobs-image': { as: 'gitlab' },
  'docs/command-line.md#the-sandbox': { as: 'shell' },
  'docs/command-line.md#the-sandbox 2': { as: 'module' },

  'docs/credentials.md#credentials': { as: 'shell' },
  'docs/credentials.md#oauth-client': { as: 'github' },
  'docs/credentials.md#access-token': { as: 'github', credential: 'accessToken' },
  'docs/credentials.md#api-token': {
    as: 'github',
    credential: 'apiToken',
    instead: { 'ada@example.com': '$BITBUCKET_EMAIL' },
  },
  'docs/credentials.md#expiry-of-api-tokens-and-access-tokens': {
    as: 'github',
    credential: 'apiToken',
    instead: { 'ada@example.com': '$BITBUCKET_EMAIL' },
  },
  'docs/credentials.md#connect-app': {
    as: 'github',
    credential: 'connectApp',
    instead: {
      'com.example.app': '$BITBUCKET_CONNECT_APP_KEY',
      'vars.CONNECT': 'secrets.BITBUCKET_CONNECT',
      'secrets.CONNECT': 'secrets.BITBUCKET_CONNECT',
    },
  },
  'docs/credentials.md#from-app-passwords 2, old': { ...appPassword, fails: '401' },
  'docs/credentials.md#from-app-passwords 2, new': { as: 'shell', credential: 'apiToken' },
  'docs/credentials.md#from-app-passwords, old': { ...appPassword, fails: '401' },
  'docs/credentials.md#from-app-passwords, new': { as: 'shell' },
  'docs/credentials.md#git-clone, old': { ...appPassword, fails: appPasswordsAreGone },
  'docs/credentials.md#git-clone, new': { as: 'shell' },
  'docs/credentials.md#git-clone 2': {
    as: 'shell',
    before: `${acquired}\n${clone}\ncd website\ngit remote set-url origin https://ada:ATBBgone@bitbucket.org/acme/website.git`,
    after: 'git fetch',
  },
  'docs/credentials.md#bitbucket-pipelines, old': {
    ...appPassword,
    as: 'pipelines',
    fails: appPasswordsAreGone,
  },
  'docs/credentials.md#bitbucket-pipelines, new': { as: 'pipelines' },
  'docs/credentials.md#github-actions, old': {
    ...appPassword,
    as: 'github',
    instead: { '${{ secrets.': '$', ' }}': '' },
    fails: appPasswordsAreGone,
  },
  'docs/credentials.md#github-actions, new': { as: 'github' },

  'docs/git.md#git': { as: 'github' },
  'docs/git.md#several-workspaces': {
    as: 'github',
    notRun: 'needs two workspaces; test/e2e/git-path.test.ts has them',
  },
  'docs/git.md#jobs-longer-than-the-token': { as: 'shell', after: clone },
  'docs/git.md#ssh-addresses': { as: 'github' },
  'docs/git.md#the-git-credentials-file': {
    as: 'shell',
    before: `export BITBUCKET_CONFIGURE_GIT=false\n${acquired}`,
  },
  'docs/git.md#docker-builds': { as: 'shell', notRun: 'needs BuildKit and an image with git' },
  'docs/git.md#docker-builds 2': {
    as: 'docker',
    before: acquired,
    instead: { '/run/secrets/git-credentials': '$PWD/.bitbucket-token/git-credentials' },
  },
  'docs/git.md#go': { as: 'shell', notRun: 'needs Go and a module' },
  'docs/git.md#cargo': { as: 'shell', notRun: 'needs Cargo and a crate' },
  'docs/git.md#npm': { notRun: 'test/clients installs such a dependency' },
  'docs/git.md#pip': { as: 'shell', notRun: 'needs pip and a Python package' },
  'docs/git.md#composer': {
    as: 'shell',
    before: acquired,
    // Composer refuses to start if this is not JSON.
    programs: {
      composer: `#!/bin/sh\nexec '${process.execPath}' -e 'JSON.parse(process.env.COMPOSER_AUTH)'`,
    },
  },
  'docs/git.md#composer 2': {
    as: 'shell',
    credential: 'apiToken',
    before: acquired,
    // Composer refuses to start if this is not JSON.
    programs: {
      composer: `#!/bin/sh\nexec '${process.execPath}' -e 'JSON.parse(process.env.COMPOSER_AUTH)'`,
    },
  },

  'docs/library.md#the-library 2': { as: 'shell', notRun: 'installs a package that is not published yet' },
  ...library(
    'library',
    'the-library',
    'getaccesstoken',
    'getaccesstoken 2',
    'getaccesstoken 3',
    'storage',
    'storage 2',
    'createauthenticatedapi',
    'hooks',
    'testing',
    'testing 2',
    'from-bitbucket-auth',
    'the-stored-file',
    'a-test-in-the-old-style',
  ),

  'docs/refresh-tokens.md#refresh-tokens': {
    as: 'github',
    notRun: 'writes a secret on GitHub; test/e2e/stores.test.ts does',
  },
  'docs/refresh-tokens.md#the-first-refresh-token': {
    as: 'shell',
    notRun: 'needs a person; test/authorize simulates one in Chromium',
  },
  'docs/refresh-tokens.md#on-a-machine-without-a-browser': { as: 'shell', notRun: 'needs another machine' },
  'docs/refresh-tokens.md#more-examples': {
    as: 'pipelines',
    credential: 'refreshToken',
    sandbox: { scopes: ['repository', 'pipeline', 'pipeline:variable'] },
  },
  'docs/refresh-tokens.md#more-examples 2': { notRun: 'settings of a job, without a script' },
  'docs/refresh-tokens.md#more-examples 3': {
    as: 'shell',
    credential: 'refreshToken',
    before: 'mkdir -m 700 ../state',
    instead: { '/var/lib/ci/bitbucket': '$PWD/../state' },
  },

  'docs/refresh-tokens.md#a-store-of-your-own': { notRun: 'an import of types' },

  'docs/performance.md#performance': { as: 'shell', notRun: 'npm scripts that take long' },

  'docs/reliability.md#reliability': { as: 'github' },

  'docs/security.md#security': { as: 'github' },

  'docs/troubleshooting.md#troubleshooting': { as: 'shell' },
  ...troubleshooting(
    '-contains-a-placeholder-instead-of-a-value',
    { as: 'shell', fails: 'BITBUCKET_CLIENT_ID contains a placeholder instead of a value.' },
    { as: 'shell', instead: { $KEY_OF_THE_CONSUMER: '$BITBUCKET_CLIENT_ID' } },
  ),
  ...troubleshooting(
    '-begins-with-',
    {
      as: 'shell',
      credential: 'accessToken',
      instead: { $TOKEN_OF_THE_REPOSITORY: '$BITBUCKET_ACCESS_TOKEN' },
      fails: 'BITBUCKET_ACCESS_TOKEN begins with "Bearer".',
    },
    {
      as: 'shell',
      credential: 'accessToken',
      instead: { $TOKEN_OF_THE_REPOSITORY: '$BITBUCKET_ACCESS_TOKEN' },
    },
  ),
  ...troubleshooting('unsupported-grant-type-none', { as: 'shell', fails: 'Unsupported grant type: None' }),
  ...troubleshooting(
    'token-is-invalid-expired-or-not-supported-for-this-endpoint',
    { as: 'shell', credential: 'apiToken', fails: 'Token is invalid, expired' },
    { as: 'shell', credential: 'apiToken' },
  ),
  ...troubleshooting(
    'token-is-invalid-expired-or-not-supported-for-this-endpoint 2',
    { as: 'shell', credential: 'apiToken', fails: 'Token is invalid, expired' },
    { as: 'shell', credential: 'apiToken' },
  ),
  ...troubleshooting(
    'you-may-not-have-access-to-this-repository-or-it-no-longer-exists-in-this-workspace',
    { as: 'shell', credential: 'apiToken', fails: 'You may not have access to this repository' },
    { as: 'shell', credential: 'apiToken' },
  ),
  ...troubleshooting('could-not-read-username-for-httpsbitbucketorg-terminal-prompts-disabled', {
    as: 'shell',
    fails: "could not read Username for 'https://bitbucket.org': terminal prompts disabled",
  }),
  ...troubleshooting('change-2770---functionality-has-been-deprecated', {
    as: 'shell',
    fails: 'CHANGE-2770',
  }),
  ...troubleshooting(
    'the-certificate-of--was-not-accepted',
    { as: 'shell', fails: 'the certificate of bitbucket.org was not accepted' },
    { as: 'shell', instead: { '/path/to/ca.pem': '$GIT_SSL_CAINFO' } },
  ),

  'docs/verify.md#how-to-verify-what-you-run': { as: 'shell', notRun: 'needs a release' },
  'docs/verify.md#with-cosign': { as: 'shell', notRun: 'needs a release' },
  'docs/verify.md#the-image': {
    as: 'shell',
    notRun: 'needs a release; test/release/image-digest.test.ts builds twice with the same script',
  },
  'docs/verify.md#what-is-inside': { as: 'shell', notRun: 'needs a release' },

  'scripts/bench/README.md#speed': { as: 'shell', notRun: 'measures for minutes' },
  'scripts/simulate/README.md#many-jobs-at-a-rate-limit': { as: 'shell', notRun: 'simulates for minutes' },

  'test/README.md#tests': { as: 'shell', notRun: 'runs the tests' },
  'test/faults/README.md#faults-of-a-server': { as: 'shell', notRun: 'takes minutes: .ci/run runs it' },
  'test/hostile/README.md#attacks-on-secrets': { as: 'shell', notRun: 'npm scripts that take many minutes' },
  'test/mutation/README.md#tests-of-the-tests': { as: 'shell', notRun: 'takes minutes for each module' },
}
