import { expect, test } from 'vitest'
import {
  describeContract,
  type HostUnderTest,
  onlyEnvFile,
  plainShell,
  privateFilesOf,
  runToEnd,
  sampleResults,
  startJob,
} from './contract.ts'

/** The CIs that only get `env.sh`, with what each says about it. */
const subjects: (HostUnderTest & { readonly note: string })[] = [
  { ...plainShell, note: '' },
  {
    ...onlyEnvFile,
    name: 'pipelines',
    environment: (cwd) => ({ CI: 'true', BITBUCKET_BUILD_NUMBER: '7', BITBUCKET_CLONE_DIR: cwd }),
    note: '',
  },
  {
    ...onlyEnvFile,
    name: 'gitlab',
    environment: (cwd) => ({ CI: 'true', GITLAB_CI: 'true', CI_PROJECT_DIR: cwd, CI_JOB_ID: '1' }),
    note: 'GitLab cannot hide this token in the log, so never print it. Run bitbucket-token in each job that needs it, because a dotenv report would store the token in readable form. ',
  },
  {
    ...onlyEnvFile,
    name: 'jenkins',
    environment: () => ({ JENKINS_URL: 'https://ci.example.com/', BUILD_ID: '7', WORKSPACE: '/w' }),
    note: 'Jenkins cannot hide this token in the log, so never print it. Load the file in each sh step, because each one is a new shell. ',
  },
  ...(['drone', 'woodpecker'] as const).map((name) => ({
    ...onlyEnvFile,
    name,
    environment: (cwd: string) => ({
      CI: name === 'drone' ? 'true' : 'woodpecker',
      ...(name === 'drone' ? { DRONE: 'true' } : { CI_WORKSPACE: cwd }),
      DRONE_BUILD_NUMBER: '7',
    }),
    note: 'This CI hides only secrets from its own store, so never print the token. Load the file in later steps too; they share the workspace. ',
  })),
]

for (const subject of subjects) {
  describeContract(subject, {
    stderr: `working\n${subject.note}For this shell: . '<clone>/.bitbucket-token/env.sh'\n`,
  })
}

// test/hosts/output-directory.test.ts has the shells that read env.sh.
test('the private files of every CI contain the results', async () => {
  const job = await startJob(plainShell)
  runToEnd(job, sampleResults())
  expect(privateFilesOf(job)).toMatchInlineSnapshot(`
    {
      ".bitbucket-token/.gitignore 600": "*
    ",
      ".bitbucket-token/env.sh 600": "{ set +x; } 2>/dev/null
    { set +v; } 2>/dev/null
    export BITBUCKET_ACCESS_TOKEN='canary-T0k3n_0123456789abcdef='
    export BITBUCKET_AUTHORIZATION='Bearer canary-T0k3n_0123456789abcdef='
    export BITBUCKET_GIT_USERNAME='x-token-auth'
    bitbucket_token_add_to_git() { <…> }
    bitbucket_token_add_to_git \\
      'credential.https://bitbucket.org.helper' '!f() { test "$1" = get && date; }; f; # '\\''x'\\'' %s ] ;'
    unset -f bitbucket_token_add_to_git
    unset bitbucket_token_n bitbucket_token_i
    ",
      ".bitbucket-token/git-credentials 600": "https://x-token-auth:canary-T0k3n_0123456789abcdef=@bitbucket.org
    ",
    }
  `)
})
