import { chance, letters } from './made-up.ts'

/** A file without findings, although it mentions Bitbucket. */
export interface Innocent {
  readonly path: string
  readonly text: string
}

/** The number of files and bytes in three public trees, counted at one commit with `git ls-tree -r -l`. */
export const publicTrees = [
  { name: 'expressjs/express at a3714473', files: 213, bytes: 713_381 },
  { name: 'git-ecosystem/git-credential-manager at 2fe99b86', files: 542, bytes: 4_823_705 },
  { name: 'redis/redis at 4f8cdc2a1', files: 1_623, bytes: 16_293_820 },
] as const

type Random = () => number

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

const sentences = [
  'Bitbucket app passwords are deprecated: none can be made since September 2025, and all ended in July 2026.',
  'Replace your app password with an API token; see https://support.atlassian.com/bitbucket-cloud/docs/app-passwords/.',
  'BITBUCKET_APP_PASSWORD is gone. It was the variable of version 1.',
  'The `BITBUCKET_APP_PASSWORD` variable is no longer read, and neither is `bitbucket_app_password`.',
  '- [Why app passwords ended](#bitbucket-app-passwords-ended), [How to replace an app password](#replace-a-bitbucket-app-password).',
  'An app password begins with ATBB, an API token with ATATT and an access token with ATCTT.',
  'They look like `ATBB…`, `ATBBxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` or ATATT3xFfGF0…',
  'git takes `x-token-auth` with an access token: `https://x-token-auth:{access_token}@bitbucket.org/workspace/repository.git`.',
  'With an API token the user name is `x-bitbucket-api-token-auth`, not `x-token-auth`.',
  'git clone "https://x-token-auth:$BITBUCKET_ACCESS_TOKEN@bitbucket.org/acme/website.git"',
  'git clone "https://x-bitbucket-api-token-auth:$BITBUCKET_API_TOKEN@bitbucket.org/acme/website.git"',
  'git clone https://ann@bitbucket.org/acme/website.git',
  'git clone https://<user>:<password>@bitbucket.org/acme/website.git',
  'git clone https://username:your_password@bitbucket.org/acme/website.git',
  'git clone https://ann:%BITBUCKET_TOKEN%@bitbucket.org/acme/website.git',
  'GET /2.0/workspaces was removed (CHANGE-2770); GET /2.0/user/workspaces is what Bitbucket has now.',
  'Tokens in the query string (`?access_token=…`) are refused.',
  'The answer has `access_token`, `expires_in` and `scope`.',
  'Bitbucket Data Center is another product: https://bitbucket.example.com/rest/api/1.0/projects and its http access tokens.',
] as const

/** Makers for each kind of file. The text is correct or belongs to another service. */
const kinds: readonly ((random: Random, length: number) => readonly [name: string, text: string])[] = [
  (random, length) => [
    'notes.md',
    repeat(length, () => `${pick(random, sentences)} ${words(random, 30)}\n\n`),
  ],
  (random, length) => [
    'README.md',
    repeat(
      length,
      () =>
        `${pick(random, sentences)}\n\n\`\`\`sh\ncurl --header "Authorization: Bearer $BITBUCKET_ACCESS_TOKEN" https://api.bitbucket.org/2.0/repositories/acme/website\n\`\`\`\n\n`,
    ),
  ],
  (random, length) => [
    'deploy.sh',
    `#!/bin/sh\n${repeat(
      length,
      () =>
        `curl --user "$BITBUCKET_EMAIL:$BITBUCKET_API_TOKEN" "https://api.bitbucket.org/2.0/repositories/acme/${words(random, 1)}/pullrequests?state=OPEN"\n` +
        'curl --user "$KEY:$SECRET" --data grant_type=refresh_token --data "refresh_token=$T" https://bitbucket.org/site/oauth2/access_token\n' +
        'TOKEN=$(curl -s --user "$KEY:$SECRET" -d grant_type=client_credentials https://bitbucket.org/site/oauth2/access_token | jq -r .access_token)\n' +
        'echo "machine bitbucket.org login x-token-auth password $TOKEN" > ~/.netrc\n' +
        `git push https://ann:${letters(random, 20)}@git.example.com/acme/website.git\n`,
    )}`,
  ],
  (random, length) => [
    '.github/workflows/build.yml',
    repeat(
      length,
      () =>
        `      - uses: bitbucket-token/bitbucket-token@v1\n        with:\n          client-id: \${{ secrets.ID }}\n          refresh-token: \${{ secrets.R }}\n          save-refresh-token: github-secret\n      - run: echo ${words(random, 4)}\n        env:\n          GITHUB_TOKEN: \${{ secrets.GITHUB_TOKEN }}\n          APP_PASSWORD: \${{ secrets.GMAIL_APP_PASSWORD }}\n`,
    ),
  ],
  (random, length) => [
    'bitbucket-pipelines.yml',
    repeat(
      length,
      () =>
        `    - step:\n        name: ${words(random, 2)}\n        script:\n          - pipe: bitbucket-token/bitbucket-token:1.0.0\n            variables:\n              BITBUCKET_REFRESH_TOKEN: $BITBUCKET_REFRESH_TOKEN\n              BITBUCKET_SAVE_REFRESH_TOKEN: bitbucket-variable\n          - . .bitbucket-token/env.sh\n`,
    ),
  ],
  (random, length) => [
    'package-lock.json',
    repeat(
      length,
      () =>
        `    "node_modules/${words(random, 1)}": { "version": "1.${Math.floor(random() * 90)}.0", "resolved": "git+ssh://git@bitbucket.org/acme/${words(random, 1)}.git#${letters(random, 40)}", "integrity": "sha512-${letters(random, 86)}==" },\n`,
    ),
  ],
  (random, length) => [
    'go.sum',
    repeat(length, () => `bitbucket.org/acme/${words(random, 1)} v0.1.0 h1:${letters(random, 43)}=\n`),
  ],
  (random, length) => [
    'logo.txt',
    repeat(length, () => `${letters(random, 36)}ATBB${letters(random, 36)}\n`),
  ],
  (random, length) => [
    'wrapped.pem',
    repeat(length, () => `ATBB${letters(random, 72)}\nATATT3${letters(random, 20)}\n`),
  ],
  (random, length) => [
    'app.min.js',
    repeat(
      length,
      () =>
        `!function(e){var t="${words(random, 3)}";fetch("/api/2.0/"+e+"?access_token="+t)}("${letters(random, 8)}");`,
    ),
  ],
  (random, length) => [
    'client.ts',
    repeat(
      length,
      () =>
        `const base = 'https://api.bitbucket.org/2.0/repositories'\nexport const ${words(random, 1)} = (workspace: string) => get(\`\${base}/\${workspace}/${words(random, 1)}\`)\n` +
        "const mine = await get('https://api.bitbucket.org/2.0/user/workspaces')\nconst all = get('https://api.bitbucket.org/2.0/repositories/' + workspace)\n" +
        'const bitbucketToken = process.env.BITBUCKET_ACCESS_TOKEN ?? settings.bitbucket.accessToken2026\nconst { access_token: accessToken } = await answer.json()\n',
    ),
  ],
  (random, length) => [
    'client.py',
    repeat(
      length,
      () =>
        `BITBUCKET_TOKEN = get_secret("bitbucket/${words(random, 1)}/token-2026-11")\nBASE = "https://api.bitbucket.org/2.0/workspaces"\nurl = f"{BASE}/{workspace}/members"\ndata = {"access_token": token}  # what our own server takes\n`,
    ),
  ],
  (random, length) => [
    '.env.example',
    repeat(
      length,
      () =>
        `BITBUCKET_CLIENT_ID=\nBITBUCKET_CLIENT_SECRET=<your client secret>\nBITBUCKET_ACCESS_TOKEN=your-access-token-goes-here\nGITHUB_TOKEN=ghp_${letters(random, 36)}\nGITLAB_TOKEN=glpat-${letters(random, 20)}\n`,
    ),
  ],
  (random, length) => [
    '.netrc',
    repeat(
      length,
      () =>
        `machine github.com login ann password ${letters(random, 40)}\nmachine bitbucket.example.com login ann password ${letters(random, 20)}\n`,
    ),
  ],
  (random, length) => [
    '.npmrc',
    repeat(
      length,
      () =>
        `//npm.example/:_authToken=npm_${letters(random, 36)}\n//npm.bitbucket.example/acme/:_authToken=\${BITBUCKET_TOKEN}\n`,
    ),
  ],
  (random, length) => [
    'data.csv',
    repeat(
      length,
      () =>
        `${Math.floor(random() * 1e6)},${words(random, 6)},https://bitbucket.org/acme/${words(random, 1)}\n`,
    ),
  ],
  (random, length) => [
    'main.c',
    repeat(
      length,
      () =>
        `static int ${words(random, 1)}(struct bucket *token) { return token->${words(random, 1)} * ${Math.floor(random() * 99)}; }\n`,
    ),
  ],
]

const vocabulary =
  'repository workspace bucket token pipeline branch commit review merge build deploy cache index value path name list map'.split(
    ' ',
  )
const words = (random: Random, count: number): string =>
  Array.from({ length: count }, () => pick(random, vocabulary)).join(' ')

/** Joins pieces up to a length. After forty pieces they repeat, as in generated files. */
function repeat(length: number, make: () => string): string {
  const pieces = [make()]
  for (let size = 0; size < length; size += pieces.at(-1)?.length ?? 0) {
    pieces.push(pieces.length < 40 ? make() : (pieces[pieces.length - 40] ?? ''))
  }
  return pieces.slice(1).join('')
}

/** Makes a tree with this number of files and about this number of bytes. The same seed makes the same tree. */
export function* innocentTree(seed: number, files: number, bytes: number): Generator<Innocent> {
  const random = chance(seed)
  let left = bytes
  for (let file = 0; file < files; file++) {
    const kind = kinds[file % kinds.length] as (typeof kinds)[number]
    // A few files are much larger than the others.
    const share = (left / (files - file)) * (random() < 0.1 ? 4 : 0.6)
    const [name, text] = kind(random, Math.floor(share))
    left = Math.max(0, left - text.length)
    yield { path: `${words(random, 1)}/${file}/${name}`, text }
  }
}
