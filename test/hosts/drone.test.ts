import { expect, test } from 'vitest'
import {
  describeContract,
  type HostUnderTest,
  recordOf,
  runToEnd,
  sampleResults,
  startJob,
} from './contract.ts'

const subjects: HostUnderTest[] = [
  {
    name: 'drone',
    environment: () => ({ CI: 'true', DRONE: 'true', DRONE_BUILD_NUMBER: '7' }),
    hidden: () => [],
    later: () => ({}),
    carries: () => false,
  },
  {
    name: 'woodpecker',
    environment: (cwd) => ({ CI: 'woodpecker', CI_WORKSPACE: cwd, DRONE_BUILD_NUMBER: '7' }),
    hidden: () => [],
    later: () => ({}),
    carries: () => false,
  },
]

for (const subject of subjects) describeContract(subject)

test.each(subjects)('writes only the expected output and files on $name', async (subject) => {
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
    This CI hides only secrets from its own store, so never print the token. Load the file in later steps too; they share the workspace. For this shell: . '<clone>/.bitbucket-token/env.sh'
    ",
      "stdout": "",
    }
  `)
})
