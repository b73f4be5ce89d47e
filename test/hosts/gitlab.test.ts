import { expect, test } from 'vitest'
import {
  describeContract,
  type HostUnderTest,
  recordOf,
  runToEnd,
  sampleResults,
  startJob,
} from './contract.ts'

const subject: HostUnderTest = {
  name: 'gitlab',
  environment: (cwd) => ({ CI: 'true', GITLAB_CI: 'true', CI_PROJECT_DIR: cwd, CI_JOB_ID: '1' }),
  hidden: () => [],
  later: () => ({}),
  carries: () => false,
}

describeContract(subject)

test('writes only the expected output and files', async () => {
  const job = await startJob(subject)
  runToEnd(job, sampleResults())
  expect(recordOf(job)).toMatchInlineSnapshot(`
    {
      "files": {
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
      },
      "processes": [],
      "stderr": "working
    GitLab cannot hide this token in the log, so never print it. Run bitbucket-token in each job that needs it, because a dotenv report would store the token in readable form. For this shell: . '<clone>/.bitbucket-token/env.sh'
    ",
      "stdout": "",
    }
  `)
})
