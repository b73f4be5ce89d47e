// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of shells and CIs.
import { secrets } from './made-up.ts'

/** A file in which the audit must find one fault at the given places, and nothing else. */
export interface Planted {
  readonly rule: string
  /** How it differs from other cases of the same rule. */
  readonly kind: string
  readonly path: string
  readonly text: string
  /** The places of the findings, each as `line:column`. */
  readonly at: readonly string[]
}

const { appPassword, apiToken, accessToken, clientSecret, oauthToken, password, npmToken } = secrets

/** Workflows, pipelines, scripts and other files, each with one fault. The secrets come from made-up.ts. */
export const planted: readonly Planted[] = [
  {
    rule: 'app-password-value',
    kind: 'in a dotenv file',
    path: 'deploy/.env',
    text: `REGION=eu\nBB_PASS=${appPassword}\n`,
    at: ['2:9'],
  },
  {
    rule: 'app-password-value',
    kind: 'in a URL',
    path: 'deploy/mirror.sh',
    text: `#!/bin/sh\ngit push --mirror "https://ann:${appPassword}@bitbucket.org/acme/website.git"\n`,
    at: ['2:32'],
  },
  ...[
    [
      'a pipeline',
      'bitbucket-pipelines.yml',
      'pipelines:\n  default:\n    - step:\n        script:\n          - curl -u "$BITBUCKET_USERNAME:$BITBUCKET_APP_PASSWORD" https://api.bitbucket.org/2.0/user\n',
      '5:43',
    ],
    ['a workflow', '.github/workflows/sync.yml', 'env:\n  PASS: ${{ secrets.BB_APP_PASSWORD }}\n', '2:21'],
    ['an action’s input', '.github/workflows/scan.yml', 'with:\n  bitbucket-app-password: x\n', '2:3'],
    [
      'a program',
      'src/client.ts',
      'export const login = () => connect({ user, password: config.bitbucketAppPassword })\n',
      '1:61',
    ],
    ['Python', 'tools/sync.py', "import os\nauth = (user, os.environ['BITBUCKET_APP_PASSWORD'])\n", '2:27'],
    [
      'Compose',
      'compose.yml',
      'services:\n  web:\n    environment:\n      - BITBUCKET_CLOUD_APP_PASSWORD\n',
      '4:9',
    ],
    ['docker run', 'run.sh', 'docker run --env BITBUCKET_APP_PASS image\n', '1:18'],
    ['Terraform', 'main.tf', 'variable "bitbucket_app_password" {}\n', '1:11'],
    ['Spring', 'application.properties', 'scm.bitbucket.app-password=${PASS}\n', '1:5'],
    ['PowerShell', 'sync.ps1', '$p = $env:BITBUCKET_APP_PWD\n', '1:11'],
    ['a README’s example', 'README.md', 'Set it:\n\n```sh\nexport BITBUCKET_APP_PASSWORD=…\n```\n', '4:8'],
  ].map(([kind = '', path = '', text = '', at = '']) => ({
    rule: 'app-password-variable',
    kind: `in ${kind}`,
    path: `variables/${path}`,
    text,
    at: [at],
  })),
  {
    rule: 'credentials-file',
    kind: 'netrc on several lines',
    path: 'home/.netrc',
    text: `machine api.github.com\n  login ann\n  password ${npmToken}\nmachine bitbucket.org\n  login ann\n  password ${password}\n`,
    at: ['6:3'],
  },
  {
    rule: 'credentials-file',
    kind: 'netrc on one line',
    path: 'home/_netrc',
    text: `machine api.bitbucket.org login x-token-auth password ${accessToken}\n`,
    at: ['1:1'],
  },
  {
    rule: 'credentials-file',
    kind: 'npmrc',
    path: 'web/.npmrc',
    text: `@acme:registry=https://npm.bitbucket.example/acme/\n//npm.bitbucket.example/acme/:_authToken=${npmToken}\n`,
    at: ['2:1'],
  },
  {
    rule: 'credentials-file',
    kind: 'Composer’s auth.json',
    path: 'php/auth.json',
    text: `{\n  "bitbucket-oauth": {\n    "bitbucket.org": {\n      "consumer-key": "Vx8kLm",\n      "consumer-secret": "${clientSecret}"\n    }\n  }\n}\n`,
    at: ['5:7'],
  },
  {
    rule: 'credentials-file',
    kind: 'a refresh token that was left behind',
    path: 'job/.bitbucket-token/refresh-token',
    text: oauthToken,
    at: ['1:1'],
  },
  {
    rule: 'secret-in-url',
    kind: 'a password in a submodule',
    path: '.gitmodules',
    text: `[submodule "lib"]\n\turl = https://ann:${password}@bitbucket.org/acme/lib.git\n`,
    at: ['2:8'],
  },
  {
    rule: 'secret-in-url',
    kind: 'a token in requirements.txt',
    path: 'api/requirements.txt',
    text: `flask\ngit+https://x-token-auth:${encodeURIComponent(accessToken)}@bitbucket.org/acme/lib@v1\n`,
    at: ['2:5'],
  },
  {
    rule: 'secret-in-url',
    kind: 'git-credentials',
    path: 'home/.git-credentials',
    text: `https://ann:${npmToken}@github.com\nhttps://x-token-auth:${oauthToken}@bitbucket.org\n`,
    at: ['2:1'],
  },
  {
    rule: 'secret-in-file',
    kind: 'an API token',
    path: 'notes/todo.txt',
    text: `remember: ${apiToken}\n`,
    at: ['1:11'],
  },
  {
    rule: 'secret-in-file',
    kind: 'an access token',
    path: 'k8s/secret.yaml',
    text: `stringData:\n  token: "${accessToken}"\n`,
    at: ['2:11'],
  },
  {
    rule: 'secret-in-file',
    kind: 'a client secret in a variable',
    path: 'ci/.env',
    text: `BITBUCKET_CLIENT_ID=Vx8kLm\nBITBUCKET_CLIENT_SECRET=${clientSecret}\n`,
    at: ['2:1'],
  },
  {
    rule: 'secret-in-file',
    kind: 'an OAuth token in a program',
    path: 'src/config.js',
    text: `module.exports = { bitbucketAccessToken: '${oauthToken}' }\n`,
    at: ['1:20'],
  },
  ...[
    [
      'an address',
      'git clone "https://x-token-auth:$BITBUCKET_API_TOKEN@bitbucket.org/acme/website.git"\n',
      '1:20',
    ],
    [
      'a workflow',
      'run: git clone https://x-token-auth:${{ secrets.API_TOKEN }}@bitbucket.org/a/b\n',
      '1:24',
    ],
    [
      'a credential helper',
      'printf \'username=x-token-auth\\npassword=%s\\n\' "$ATLASSIAN_API_TOKEN" # bitbucket.org\n',
      '1:9',
    ],
    [
      'netrc',
      'echo "machine bitbucket.org login x-token-auth password $BITBUCKET_API_TOKEN" > ~/.netrc\n',
      '1:29',
    ],
  ].map(([kind = '', text = '', at = ''], index) => ({
    rule: 'x-token-auth-with-api-token',
    kind: `in ${kind}`,
    path: `user-names/x-token-auth-${index}.sh`,
    text,
    at: [at],
  })),
  {
    rule: 'api-token-auth-with-access-token',
    kind: 'in a URL',
    path: 'user-names/reverse.sh',
    text: 'git clone "https://x-bitbucket-api-token-auth:$REPO_ACCESS_TOKEN@bitbucket.org/acme/website.git"\n',
    at: ['1:20'],
  },
  ...[
    [
      'as Bearer',
      'curl -H "Authorization: Bearer $BITBUCKET_API_TOKEN" https://api.bitbucket.org/2.0/user\n',
      '1:25',
    ],
    [
      'with a user name for the REST API',
      'curl -u "$BITBUCKET_USERNAME:$BITBUCKET_API_TOKEN" https://api.bitbucket.org/2.0/user\n',
      '1:6',
    ],
    [
      'with an email address for git',
      'git clone "https://ann%40example.com:$TOKEN@bitbucket.org/acme/website.git"\n',
      '1:12',
    ],
  ].map(([kind = '', text = '', at = ''], index) => ({
    rule: 'api-token-user',
    kind,
    path: `user-names/api-token-${index}.sh`,
    text,
    at: [at],
  })),
  ...[
    [
      'in a query string',
      'x.sh',
      'curl "https://api.bitbucket.org/2.0/user?pagelen=1&access_token=$T"\n',
      '1:15',
    ],
    [
      'in a body of curl',
      'y.sh',
      'curl -X POST \\\n  -d "access_token=$T" \\\n  https://api.bitbucket.org/2.0/repositories/a/b/refs\n',
      '2:7',
    ],
    [
      'in parameters of a library',
      'z.py',
      "requests.get(\n    'https://api.bitbucket.org/2.0/user',\n    params={'access_token': token},\n)\n",
      '3:14',
    ],
  ].map(([kind = '', path = '', text = '', at = '']) => ({
    rule: 'token-in-request',
    kind,
    path: `requests/${path}`,
    text,
    at: [at],
  })),
  ...[
    ['all repositories', 'a.sh', 'curl https://api.bitbucket.org/2.0/repositories?role=member\n', '1:14'],
    [
      'all workspaces',
      'b.py',
      'r = requests.get("https://api.bitbucket.org/2.0/workspaces", headers=h)\n',
      '1:27',
    ],
    [
      'all workspaces, the host elsewhere',
      'c.js',
      "// Bitbucket\nconst all = await get('/2.0/workspaces?pagelen=100')\n",
      '2:23',
    ],
    [
      'permissions of workspaces',
      'd.sh',
      'wget https://api.bitbucket.org/2.0/user/permissions/workspaces\n',
      '1:14',
    ],
    [
      'permissions of workspaces, in a template',
      'e.ts',
      'const url = `${bitbucket}/user/permissions/workspaces?q=x`\n',
      '1:25',
    ],
    [
      'permissions of repositories',
      'f.sh',
      'wget "https://api.bitbucket.org/2.0/user/permissions/repositories?pagelen=100"\n',
      '1:15',
    ],
    ['pull requests of a user', 'g.sh', 'wget https://api.bitbucket.org/2.0/pullrequests/ann\n', '1:14'],
    ['issues', 'h.sh', 'wget https://api.bitbucket.org/2.0/repositories/acme/website/issues\n', '1:14'],
    ['teams', 'i.sh', 'wget https://api.bitbucket.org/2.0/teams/acme/repositories\n', '1:14'],
    ['version 1.0', 'j.sh', 'wget https://bitbucket.org/api/1.0/repositories/acme/website\n', '1:14'],
  ].map(([kind = '', path = '', text = '', at = '']) => ({
    rule: 'removed-endpoint',
    kind,
    path: `endpoints/${path}`,
    text,
    at: [at],
  })),
  ...[
    [
      'a workflow that uses the action',
      '.github/workflows/token.yml',
      'jobs:\n  a:\n    steps:\n      - uses: bitbucket-token/bitbucket-token@v1\n        with:\n          client-id: x\n          refresh-token: ${{ secrets.R }}\n      - uses: other/action@v1\n        with:\n          save-refresh-token: github-secret\n',
      '7:11',
    ],
    [
      'a pipeline that uses the pipe',
      'bitbucket-pipelines.yml',
      'pipelines:\n  default:\n    - step:\n        script:\n          - pipe: bitbucket-token/bitbucket-token:1.0.0\n            variables:\n              BITBUCKET_REFRESH_TOKEN: $R\n          - echo BITBUCKET_SAVE_REFRESH_TOKEN\n',
      '7:15',
    ],
    [
      'docker run',
      '.gitlab-ci.yml',
      'build:\n  script:\n    - docker run --env BITBUCKET_REFRESH_TOKEN bitbuckettoken/bitbucket-token:1.0.0\n',
      '3:24',
    ],
    [
      'curl',
      '.circleci/config.yml',
      'run: curl -u "$K:$S" -d grant_type=refresh_token -d refresh_token=$R https://bitbucket.org/site/oauth2/access_token\n',
      '1:25',
    ],
  ].map(([kind = '', path = '', text = '', at = '']) => ({
    rule: 'refresh-token-without-store',
    kind: `in ${kind}`,
    path: `refresh/${path}`,
    text,
    at: [at],
  })),
  {
    rule: 'user-and-password',
    kind: 'in a URL of a script',
    path: 'passwords/clone.sh',
    text: 'git clone https://$BITBUCKET_USER:$BITBUCKET_PASS@bitbucket.org/acme/web.git\n',
    at: ['1:19'],
  },
  {
    rule: 'auth-string',
    kind: 'for curl',
    path: 'passwords/upload.sh',
    text: 'curl --user "$BITBUCKET_AUTH_STRING" https://api.bitbucket.org/2.0/repositories/acme/web/downloads\n',
    at: ['1:15'],
  },
  {
    rule: 'password-grant',
    kind: 'of curl',
    path: 'passwords/token.sh',
    text: 'curl -d grant_type=password -d username=a https://bitbucket.org/site/oauth2/access_token\n',
    at: ['1:9'],
  },
  {
    rule: 'secret-in-image',
    kind: 'in git’s configuration',
    path: 'images/Dockerfile',
    text: 'FROM alpine\nARG BITBUCKET_TOKEN\nRUN git clone https://x-token-auth:${BITBUCKET_TOKEN}@bitbucket.org/acme/web.git\n',
    at: ['3:36'],
  },
]
