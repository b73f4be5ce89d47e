import { expect, test } from 'vitest'
import { documents } from './documents.ts'
import { programsOf, runExample } from './job.ts'
import type { Run } from './table.ts'

type Scenario = Omit<Run, 'as'> & {
  /** The script to run; by default the program without arguments. */
  readonly script?: string
  /** Set if the message is a warning and the run succeeds. */
  readonly warns?: true
}

const acquired = 'bitbucket-token\n. .bitbucket-token/env.sh'
const clone = 'git clone https://bitbucket.org/acme/website.git'
const rest = (path: string) =>
  `eval "$(bitbucket-token print --format sh || echo exit $?)"
  curl --fail-with-body --header "Authorization: $BITBUCKET_AUTHORIZATION" https://api.bitbucket.org${path}`
const noRetry = { BITBUCKET_RETRIES: '0' }

/** How to cause each message in docs/troubleshooting.md: from the program, from git, or in Bitbucket's answer. */
const scenarios: Readonly<Record<string, Scenario>> = {
  'No credential was given: every input for one is empty.': {
    env: { BITBUCKET_CLIENT_ID: '', BITBUCKET_CLIENT_SECRET: '' },
  },
  '… contains a placeholder instead of a value.': { env: { BITBUCKET_CLIENT_ID: '$KEY' } },
  '… is not a date.': { credential: 'apiToken', env: { BITBUCKET_EXPIRES_ON: '01.03.2027' } },
  '… has quotes around it.': { env: { BITBUCKET_CLIENT_ID: '"the-key"' } },
  '… has more than one line.': { env: { BITBUCKET_CLIENT_ID: 'the\nkey' } },
  '… begins with …': { credential: 'accessToken', env: { BITBUCKET_ACCESS_TOKEN: 'Bearer a-token' } },
  '… is an access token (ATCTT…).': { credential: 'apiToken', env: { BITBUCKET_API_TOKEN: 'ATCTT3a-token' } },
  'More than one kind of credential was given: …': {
    env: { BITBUCKET_EMAIL: 'ada@example.com', BITBUCKET_API_TOKEN: 'the-token-of-ada' },
  },
  '… is not an email address.': { credential: 'apiToken', env: { BITBUCKET_EMAIL: 'ada' } },

  'Cannot use client_credentials with a consumer marked as "public".': {
    prepare: (bitbucket) => variablesOf(bitbucket.issue('consumer', { public: true })),
  },
  'not authorized to use the grant type client_credentials': {
    prepare: ({ script }) => {
      const error_description = 'The client is not authorized to use the grant type client_credentials'
      script({ status: 400, body: { error: 'unauthorized_client', error_description } })
      return {}
    },
  },
  'No callback uri defined for the OAuth client.': {
    prepare: (bitbucket) => variablesOf(bitbucket.issue('consumer', { callback: false })),
  },
  'Invalid OAuth client credentials': { env: { BITBUCKET_CLIENT_SECRET: 'zq7-wrong-0451-kx93' } },
  'Unsupported grant type: None': {
    script: `curl --fail-with-body --user "$BITBUCKET_CLIENT_ID:$BITBUCKET_CLIENT_SECRET" --json '{}' \\
      https://bitbucket.org/site/oauth2/access_token`,
  },
  'The refresh token is no longer valid': {
    credential: 'refreshToken',
    prepare: ({ revoke, credentials }) => {
      revoke(credentials.refreshToken)
      return {}
    },
  },
  'The new refresh token could not be saved in …': {
    credential: 'refreshToken',
    env: { BITBUCKET_SAVE_REFRESH_TOKEN: 'file:/dev/null/refresh-token' },
  },

  "This machine's clock is …": {
    credential: 'connectApp',
    warns: true,
    env: { NODE_OPTIONS: '--import data:text/javascript,const%20now=Date.now;Date.now=()=>now()+420000' },
  },

  'Token is invalid, expired, or not supported for this endpoint.': {
    credential: 'apiToken',
    env: { BITBUCKET_EMAIL: 'somebody.else@example.com' },
  },
  'This API is not accessible by this authentication mechanism': {
    credential: 'accessToken',
    warns: true,
    prepare: ({ script }) => {
      const message = 'This API is not accessible by this authentication mechanism'
      script({ path: '/2.0/user', status: 403, body: { type: 'error', error: { message } } })
      return {}
    },
  },
  '… That is the likely reason.': {
    credential: 'apiToken',
    env: { BITBUCKET_EXPIRES_ON: '2020-01-01' },
    prepare: ({ revoke, credentials }) => {
      revoke(credentials.apiToken)
      return {}
    },
  },
  'The API token expires …': {
    credential: 'apiToken',
    warns: true,
    env: {
      BITBUCKET_EXPIRES_ON: '2027-03-01',
      NODE_OPTIONS: "--import data:text/javascript,const%20now=Date.parse('2027-02-01');Date.now=()=>now",
    },
  },
  '… has no effect.': { warns: true, env: { BITBUCKET_EXPIRES_ON: '2027-03-01' } },
  'Bitbucket denied access to …': {
    credential: 'apiToken',
    prepare: ({ script }) => {
      const message = 'To access this repository, an admin must whitelist your IP.'
      script({ status: 403, body: { type: 'error', error: { message } } })
      return {}
    },
  },
  'Access token expired.': {
    credential: 'accessToken',
    prepare: ({ issue }) => ({ BITBUCKET_ACCESS_TOKEN: issue('oauth-token', { expired: true }) }),
  },
  'The credential lacks …': { env: { BITBUCKET_SCOPES: 'webhook' } },
  'Your credentials lack one or more required privilege scopes.': {
    credential: 'apiToken',
    prepare: ({ issue }) => ({
      BITBUCKET_API_TOKEN: issue('api-token', { scopes: ['read:user:bitbucket'] }),
    }),
    script: rest('/2.0/repositories/acme/website'),
  },
  'The credential is valid, but it cannot read …': { env: { BITBUCKET_REPOSITORY: 'acme/nothing' } },

  'App passwords are deprecated and must be replaced with API tokens.': {
    script: 'git clone https://ada:ATBBnobodyTakesThis@bitbucket.org/acme/website.git',
  },
  'You may not have access to this repository or it no longer exists in this workspace.': {
    script: 'git clone https://x-token-auth:wrong@bitbucket.org/acme/website.git',
  },
  "could not read Username for 'https://bitbucket.org': terminal prompts disabled": { script: clone },
  "could not read Username for 'https://bitbucket.org': No such device or address": {
    // In a new session a process has no terminal, whoever started the test.
    script: `GIT_TERMINAL_PROMPT=1 setsid --wait ${clone}`,
  },
  'missing config key GIT_CONFIG_KEY_0': { script: `GIT_CONFIG_COUNT=1 ${clone}` },
  "Authentication failed for 'https://bitbucket.org/…'": {
    script: `${acquired}
      export TMPDIR=$HOME BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG=a-token-that-nobody-takes
      ${clone}`,
  },
  'Bitbucket refused this token 3 times, so git does not get it again.': {
    script: `${acquired}
      export TMPDIR=$HOME BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG=a-token-that-nobody-takes
      for time in 1 2 3; do git ls-remote https://bitbucket.org/acme/website.git || :; done
      ${clone}`,
  },
  'the token expired at …': {
    // As the helper reads it when the time is up.
    script: `${acquired}
      export BITBUCKET_GIT_LOGIN_BITBUCKET_ORG=$(sed 's/ [0-9]* / 1 /' <<<"$BITBUCKET_GIT_LOGIN_BITBUCKET_ORG")
      ${clone}`,
  },

  'CHANGE-2770 - Functionality has been deprecated': { script: rest('/2.0/workspaces') },
  'answered … with an error (status 410: …': {
    credential: 'apiToken',
    prepare: ({ script }) => {
      const message = 'CHANGE-2770 - Functionality has been deprecated'
      script({ status: 410, body: { type: 'error', error: { message } } })
      return {}
    },
  },
  'Rate limit for this resource has been exceeded': {
    sandbox: { rateLimit: { requests: 1, perSeconds: 3600 } },
    script: rest('/2.0/user'),
  },

  '… and an HTML page instead of ….': {
    prepare: ({ script }) => {
      script({ status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><p>Log in' })
      return {}
    },
  },
  '… a proxy requires a user name and password.': {
    prepare: ({ script }) => {
      script({ status: 407 })
      return {}
    },
  },
  'the certificate of … was not accepted': { env: { NODE_EXTRA_CA_CERTS: '' } },
  'the name … could not be resolved': {
    // A DNS label has at most 63 bytes, so the resolver refuses this name without a query.
    script: `HTTPS_PROXY= bitbucket-token --url https://${'a'.repeat(64)}.test`,
    env: noRetry,
  },
  'answered with status 503': {
    env: noRetry,
    prepare: ({ script }) => {
      script({ status: 503 })
      return {}
    },
  },

  'The private directory … could not be made': { env: { BITBUCKET_OUTPUT_DIR: '/dev/null/here' } },
  'git tracks …': {
    script: `git init --quiet
      mkdir .bitbucket-token
      touch .bitbucket-token/env.sh
      git add .bitbucket-token
      bitbucket-token`,
  },
}

const variablesOf = ({ clientId, clientSecret }: { clientId: string; clientSecret: string }) => ({
  BITBUCKET_CLIENT_ID: clientId,
  BITBUCKET_CLIENT_SECRET: clientSecret,
})

test('the page explains exactly these messages', () => {
  const headings = [...(documents.get('docs/troubleshooting.md')?.text.matchAll(/^### `(.*)`$/gm) ?? [])]
  expect(headings.map(([, message]) => message)).toEqual(Object.keys(scenarios))
})

for (const [message, { script = 'bitbucket-token', warns, ...scenario }] of Object.entries(scenarios)) {
  const run: Run = { as: 'shell', ...scenario }
  test(message, { tags: programsOf(script, run) }, async () => {
    const { status, output } = await runExample(script, run)
    const pattern = message.split('…').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    expect(output).toMatch(new RegExp(pattern.join('.+')))
    if (warns) expect(status).toBe(0)
    else expect(status).not.toBe(0)
  })
}
