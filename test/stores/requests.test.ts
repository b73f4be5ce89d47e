import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../src/http/exchange.ts'
import type { TokenStore } from '../../src/stores/store.ts'
import { answer } from '../support/fake-http.ts'
import { errorOf, open, tokens, untilDone } from './support/open.ts'
import { scripted } from './support/scripted.ts'

const uuid = '{5a0d8a10-0000-4000-8000-000000000001}'
const github = { GITHUB_REPOSITORY: 'acme/app' }
const gitlab = { CI_API_V4_URL: 'https://gitlab.com/api/v4//', CI_PROJECT_ID: '42' }
const key = answer(200, { key_id: '1', key: Buffer.alloc(32, 9).toString('base64') })
const save = (store: TokenStore) => store.save(tokens('new', 'the-access-token'), untilDone)

describe('sends exactly this', () => {
  test('to Bitbucket, for a new variable', async () => {
    const { store, sent } = await scripted('bitbucket-variable', [
      answer(200, { values: [] }),
      answer(201, {}),
    ])
    await save(store)
    expect(sent()).toMatchInlineSnapshot(`
      [
        {
          "body": undefined,
          "headers": {
            "accept": "application/json",
            "authorization": "Bearer the-access-token",
          },
          "method": "GET",
          "url": "https://api.bitbucket.org/2.0/repositories/acme/app/pipelines_config/variables?pagelen=100",
        },
        {
          "body": "{"key":"BITBUCKET_REFRESH_TOKEN","value":"new","secured":true}",
          "headers": {
            "accept": "application/json",
            "authorization": "Bearer the-access-token",
            "content-type": "application/json",
          },
          "method": "POST",
          "url": "https://api.bitbucket.org/2.0/repositories/acme/app/pipelines_config/variables",
        },
      ]
    `)
  })

  test('to Bitbucket, for an existing variable', async () => {
    const { store, sent } = await scripted('bitbucket-variable:workspace/T', [
      answer(200, { values: ['T', { key: 'T', uuid }] }),
      answer(200, {}),
    ])
    await save(store)
    expect(sent()[1]).toMatchInlineSnapshot(`
      {
        "body": "{"uuid":"{5a0d8a10-0000-4000-8000-000000000001}","key":"T","value":"new","secured":true}",
        "headers": {
          "accept": "application/json",
          "authorization": "Bearer the-access-token",
          "content-type": "application/json",
        },
        "method": "PUT",
        "url": "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/variables/%7B5a0d8a10-0000-4000-8000-000000000001%7D",
      }
    `)
  })

  test('to Bitbucket, for a deployment variable, with other environments and unnamed ones in the list', async () => {
    const { store, sent } = await scripted('bitbucket-variable:deployment/Production/T', [
      answer(200, { values: [{ uuid: '{1}' }, { name: 'Test', uuid: '{2}' }, { name: 'PRODUCTION', uuid }] }),
      answer(200, { values: [] }),
      answer(201, {}),
    ])
    await save(store)
    expect(sent().map(({ method, url }) => `${method} ${url}`)).toMatchInlineSnapshot(`
      [
        "GET https://api.bitbucket.org/2.0/repositories/acme/app/environments?pagelen=100",
        "GET https://api.bitbucket.org/2.0/repositories/acme/app/deployments_config/environments/%7B5a0d8a10-0000-4000-8000-000000000001%7D/variables?pagelen=100",
        "POST https://api.bitbucket.org/2.0/repositories/acme/app/deployments_config/environments/%7B5a0d8a10-0000-4000-8000-000000000001%7D/variables",
      ]
    `)
  })

  test('to GitHub', async () => {
    const { store, sent } = await scripted('github-secret', [key, answer(201, '')], { env: github })
    await save(store)
    const [get, put] = sent()
    expect([get, { ...put, body: Object.keys(JSON.parse(put?.body ?? '')) }]).toMatchInlineSnapshot(`
      [
        {
          "body": undefined,
          "headers": {
            "accept": "application/vnd.github+json",
            "authorization": "Bearer the-github-token",
            "x-github-api-version": "2022-11-28",
          },
          "method": "GET",
          "url": "https://api.github.com/repos/acme/app/actions/secrets/public-key",
        },
        {
          "body": [
            "encrypted_value",
            "key_id",
          ],
          "headers": {
            "accept": "application/vnd.github+json",
            "authorization": "Bearer the-github-token",
            "content-type": "application/json",
            "x-github-api-version": "2022-11-28",
          },
          "method": "PUT",
          "url": "https://api.github.com/repos/acme/app/actions/secrets/BITBUCKET_REFRESH_TOKEN",
        },
      ]
    `)
  })

  test('to GitLab, for a new variable', async () => {
    const { store, sent } = await scripted('gitlab-variable', [answer(404, {}), answer(201, {})], {
      env: gitlab,
    })
    await save(store)
    expect(sent()).toMatchInlineSnapshot(`
      [
        {
          "body": "{"key":"BITBUCKET_REFRESH_TOKEN","value":"new","masked":true,"raw":true}",
          "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "private-token": "the-gitlab-token",
          },
          "method": "PUT",
          "url": "https://gitlab.com/api/v4/projects/42/variables/BITBUCKET_REFRESH_TOKEN",
        },
        {
          "body": "{"key":"BITBUCKET_REFRESH_TOKEN","value":"new","masked":true,"raw":true}",
          "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "private-token": "the-gitlab-token",
          },
          "method": "POST",
          "url": "https://gitlab.com/api/v4/projects/42/variables",
        },
      ]
    `)
  })

  test('to GitLab, to read a variable', async () => {
    const { store, sent } = await scripted('gitlab-variable:T', [answer(200, { value: 'x' })], {
      env: gitlab,
    })
    await store.load()
    expect(sent()).toMatchInlineSnapshot(`
      [
        {
          "body": undefined,
          "headers": {
            "accept": "application/json",
            "private-token": "the-gitlab-token",
          },
          "method": "GET",
          "url": "https://gitlab.com/api/v4/projects/42/variables/T",
        },
      ]
    `)
  })
})

/** Returns the error's code, message and next step. */
async function said(work: Promise<unknown>): Promise<string> {
  const { code, message, nextStep } = await errorOf(work)
  return `${code}: ${message}\n${nextStep}`
}

/** Collects what is reported for each list of answers. */
async function reports(
  text: string,
  answers: readonly (readonly HttpResponse[])[],
  env: Readonly<Record<string, string>>,
  ask: (store: TokenStore) => Promise<unknown> = save,
): Promise<string> {
  const all = []
  for (const each of answers) all.push(await said(ask((await scripted(text, each, { env })).store)))
  return `\n${all.join('\n\n')}\n`
}

const words = { message: 'What it says.' }

describe('reports a refusal', () => {
  test.each([
    [
      403,
      'To access this repository, an admin must whitelist your IP.',
      'the IP addresses on its allow list',
    ],
    [403, 'To access this repository, enable two-step verification.', 'requires two-step verification'],
    [402, 'Payment required.', 'The plan of the workspace has ended'],
    [410, 'CHANGE-2770 - Functionality has been deprecated', 'is out of date'],
  ])('by Bitbucket with %d for a reason that concerns the workspace: %s', async (status, message, advice) => {
    const denied = answer(status, { error: { message, detail: 'In detail.' } })
    const told = await reports('bitbucket-variable', [[denied]], {})
    expect(told).toContain(message)
    expect(told).toContain('In detail.')
    expect(told).toContain(advice)
    expect(told).not.toContain('Give the OAuth client the permissions')
  })

  test('by Bitbucket', async () => {
    const statuses = [401, 403, 404, 500].map((status) => [answer(status, { error: words })])
    const withScopes = answer(403, {
      type: 'error',
      error: { ...words, detail: { required: ['pipeline', 'pipeline:variable'], granted: [] } },
    })
    const garbled = [answer(200, { values: 1 })]
    const failing = [answer(500, { values: [] }), answer(201, {})]
    const looked = answer(200, { values: [] })
    const written = [409, 404].map((status) => [looked, answer(status, { error: words })])
    const all = [...statuses, [withScopes], garbled, failing, ...written]
    expect(await reports('bitbucket-variable', all, {})).toMatchInlineSnapshot(`
      "
      store-unwritable: api.bitbucket.org answered with status 401: "What it says.".
      Give the OAuth client the permissions Pipelines: Read and Edit variables (scopes pipeline and pipeline:variable). Then ask an administrator of acme/app to authorise it again.

      store-unwritable: api.bitbucket.org answered with status 403: "What it says.".
      Give the OAuth client the permissions Pipelines: Read and Edit variables (scopes pipeline and pipeline:variable). Then ask an administrator of acme/app to authorise it again.

      store-unwritable: api.bitbucket.org answered with status 404: "What it says.".
      Check that acme/app exists and that Pipelines is enabled in it.

      store-unwritable: api.bitbucket.org answered with status 500: "What it says.".
      Check that acme/app exists and that Pipelines is enabled in it.

      store-unwritable: api.bitbucket.org answered with status 403: "What it says.".
      Give the OAuth client the permissions Pipelines: Read and Edit variables (scopes pipeline, pipeline:variable). Then ask an administrator of acme/app to authorise it again.

      store-unwritable: api.bitbucket.org answered with status 200.
      Check that acme/app exists and that Pipelines is enabled in it.

      store-unwritable: api.bitbucket.org answered with status 500.
      Check that acme/app exists and that Pipelines is enabled in it.

      store-unwritable: api.bitbucket.org answered with status 409: "What it says.".
      Check that acme/app exists and that Pipelines is enabled in it.

      store-unwritable: api.bitbucket.org answered with status 404: "What it says.".
      Check that acme/app exists and that Pipelines is enabled in it.
      "
    `)
    expect(await reports('bitbucket-variable:deployment/Nowhere', [[looked]], {})).toMatchInlineSnapshot(`
      "
      store-unwritable: acme/app has no deployment environment with that name.
      Look up the name in Repository settings → Deployments, or give the UUID of the environment.
      "
    `)
  })

  test('by GitHub', async () => {
    const statuses = [401, 403, 404, 500].map((status) => [answer(status, words)])
    const halves = [
      answer(200, { key_id: '1' }),
      answer(200, { key: 'x' }),
      answer(500, { key_id: '1', key: 'x' }),
    ].map((half) => [half])
    const written = [[key, answer(400, words)]]
    const all = [...statuses, ...halves, ...written]
    expect(await reports('github-secret', all, github)).toMatchInlineSnapshot(`
      "
      store-unwritable: api.github.com answered with status 401: "What it says.".
      The github-token has expired or was revoked. Create a new one.

      store-unwritable: api.github.com answered with status 403: "What it says.".
      The github-token needs the repository permission "Secrets: write" (classic: the scope repo). The GITHUB_TOKEN of a job cannot have it. Use the token of a GitHub App or a fine-grained token.
      Check that the token has access to the repository.

      store-unwritable: api.github.com answered with status 404: "What it says.".
      The github-token needs the repository permission "Secrets: write" (classic: the scope repo). The GITHUB_TOKEN of a job cannot have it. Use the token of a GitHub App or a fine-grained token.
      Check that the token has access to the repository.

      store-unwritable: api.github.com answered with status 500: "What it says.".
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 200.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 200.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 500.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 400: "What it says.".
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.
      "
    `)
    expect(
      await reports('github-secret:environment/prod', [[answer(404, '')]], github),
    ).toMatchInlineSnapshot(`
      "
      store-unwritable: api.github.com answered with status 404.
      The github-token needs the repository permission "Environments: write" (classic: the scope repo). The GITHUB_TOKEN of a job cannot have it. Use the token of a GitHub App or a fine-grained token.
      Check that the environment exists: Settings → Environments.
      "
    `)
  })

  test('by GitHub, when it reads the visibility of an organisation’s secret', async () => {
    const selected = answer(200, { visibility: 'selected' })
    const written = answer(204, '')
    const all = [
      [key, answer(200, {}), written],
      [key, answer(500, { visibility: 'all' }), written],
      [key, selected, answer(200, {}), written],
      [key, selected, answer(500, { repositories: [] }), written],
    ]
    expect(await reports('github-secret:organization', all, github)).toMatchInlineSnapshot(`
      "
      store-unwritable: api.github.com answered with status 200.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 500.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 200.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.

      store-unwritable: api.github.com answered with status 500.
      Try to set the secret by hand with \`gh secret set\`, which uses the same API.
      "
    `)
  })

  test('by GitLab', async () => {
    const all = [401, 403, 404, 409, 500].map((status) => [answer(status, { message: 'Project' })])
    const check = (store: TokenStore) => store.check()
    expect(await reports('gitlab-variable:T', all, gitlab, check)).toMatchInlineSnapshot(`
      "
      store-unwritable: gitlab.com answered with status 401: "Project".
      The gitlab-token has expired or was revoked. Create a new one.

      store-unwritable: gitlab.com answered with status 403: "Project".
      Use a project access token (or a personal one) with the role Maintainer and the scope api as gitlab-token. The CI_JOB_TOKEN cannot write variables.

      store-unwritable: gitlab.com answered with status 404: "Project".
      Use a project access token (or a personal one) with the role Maintainer and the scope api as gitlab-token. The CI_JOB_TOKEN cannot write variables.

      store-unwritable: gitlab.com answered with status 409: "Project".
      There are several variables T. Keep only the one whose environment scope is * (All).

      store-unwritable: gitlab.com answered with status 500: "Project".
      Try to set the variable by hand in Settings → CI/CD → Variables.
      "
    `)
    const written = [[answer(400, { error: 'is invalid' })]]
    expect(await reports('gitlab-variable:T', written, gitlab)).toMatchInlineSnapshot(`
      "
      store-unwritable: gitlab.com answered with status 400: "is invalid".
      Try to set the variable by hand in Settings → CI/CD → Variables.
      "
    `)
  })

  test('by a service that gives no reason', async () => {
    expect(await reports('gitlab-variable:T', [[answer(500, {})]], gitlab)).toMatchInlineSnapshot(`
      "
      store-unwritable: gitlab.com answered with status 500.
      Try to set the variable by hand in Settings → CI/CD → Variables.
      "
    `)
  })
})

test('says what is missing and how to give it', async () => {
  const opened = (text: string, given: object) => said(open(text, given))
  expect(
    [
      await said(scripted('bitbucket-variable', [], { repository: undefined } as object)),
      await opened('github-secret', { env: github }),
      await opened('github-secret', { githubToken: 'x' }),
      await opened('github-secret', {
        githubToken: 'x',
        env: { ...github, GITHUB_API_URL: 'http://github.example.com' },
      }),
      await opened('gitlab-variable', { gitlabToken: 'x' }),
    ].join('\n\n'),
  ).toMatchInlineSnapshot(`
    "input: save-refresh-token names a variable in Bitbucket, but its repository is unknown.
    Outside Bitbucket Pipelines, set BITBUCKET_REPOSITORY to workspace/slug.

    input: Missing: github-token.
    Set it to a token that may write there. It is needed to save the refresh token: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/refresh-tokens.md

    input: save-refresh-token names a secret on GitHub, but GITHUB_REPOSITORY is not set.
    GitHub sets it in every job. Outside GitHub, set GITHUB_REPOSITORY=owner/name.

    input: GITHUB_API_URL is not an https address.
    Set it to the address of the API of the CI, as the CI itself does. The refresh token is saved through it.

    input: save-refresh-token names a variable on GitLab, but CI_API_V4_URL or CI_PROJECT_ID is not set.
    GitLab sets both in every job. For \`docker run\`, add --env CI_API_V4_URL --env CI_PROJECT_ID."
  `)
})

test('each store has a readable name', async () => {
  const name = async (text: string, env: Readonly<Record<string, string>> = {}) =>
    (await scripted(text, [], { env })).store.name
  expect([
    await name('bitbucket-variable'),
    await name('bitbucket-variable:workspace/T'),
    await name('bitbucket-variable:deployment/Production/T'),
    await name('github-secret', github),
    await name('github-secret:organization/T', {
      ...github,
      GITHUB_API_URL: 'https://github.example.com/api/v3',
    }),
    await name('gitlab-variable', gitlab),
    await name('gitlab-variable', { ...gitlab, CI_PROJECT_PATH: 'acme/app' }),
    await name('file:/data/token'),
    await name('command:vault kv put'),
    await name('command:{ cat; } >file'),
  ]).toMatchInlineSnapshot(`
    [
      "the repository variable BITBUCKET_REFRESH_TOKEN of acme/app",
      "the workspace variable T of acme",
      "the deployment variable T of acme/app",
      "the repository secret BITBUCKET_REFRESH_TOKEN of acme/app",
      "the organization secret T of acme (github.example.com)",
      "the variable BITBUCKET_REFRESH_TOKEN of the GitLab project 42",
      "the variable BITBUCKET_REFRESH_TOKEN of the GitLab project acme/app",
      "the file /data/token",
      "the command vault",
      "the command in save-refresh-token",
    ]
  `)
})

test('sends Bitbucket no credential before it has the new refresh token', async () => {
  const { store, sent } = await scripted('bitbucket-variable', [answer(404, '')])
  await store.check()
  expect(sent()).toEqual([{ method: 'GET', url: 'https://api.bitbucket.org/', headers: {}, body: undefined }])
})

test.each([
  ['is refused', [400], 2],
  ['already exists, and is missing again when it is looked up, three times,', [409, 409, 409], 6],
])('gives up on a variable that %s', async (_, statuses, requests) => {
  const looked = answer(200, { values: [] })
  const answers = statuses.flatMap((status) => [looked, answer(status, { error: words })])
  const { store, sent } = await scripted('bitbucket-variable', answers)
  expect((await errorOf(save(store))).message).toContain(`status ${statuses.at(-1)}: "What it says."`)
  expect(sent()).toHaveLength(requests)
})

test.each([['/2.0/x?page=2'], [['https://api.bitbucket.org/2.0/x?page=2']], [2]])(
  'stops if the next page of a list of variables is %j',
  async (next) => {
    const { store, sent } = await scripted('bitbucket-variable', [
      answer(200, { values: [], next }),
      answer(201, {}),
    ])
    await save(store)
    expect(sent().map(({ method }) => method)).toEqual(['GET', 'POST'])
  },
)

test('stops reading an endless list of variables', async () => {
  const page = answer(200, { values: [{}], size: 1e9, next: 'https://api.bitbucket.org/2.0/x?page=2' })
  const { store, sent } = await scripted('bitbucket-variable', [page])
  await save(store)
  expect(sent().map(({ method }) => method)).toEqual([...Array(100).fill('GET'), 'POST'])
})

test('refuses an endless list of repositories before the refresh token is spent, and drops no repository', async () => {
  const page = answer(200, { repositories: [{ id: 1 }], total_count: 1_000_000 })
  const { store, sent } = await scripted(
    'github-secret:organization',
    [key, answer(200, { visibility: 'selected' }), ...Array.from({ length: 100 }, () => page)],
    { env: github },
  )
  const error = await errorOf(store.check())
  expect(error.message).toMatch(/endless list of repositories for BITBUCKET_REFRESH_TOKEN/)
  expect(sent()).toHaveLength(102)
  expect(new Set(sent().map(({ method }) => method))).toEqual(new Set(['GET']))
})

test('reads on after a full page of repositories without a total count', async () => {
  const full = answer(200, { repositories: Array.from({ length: 100 }, (_, index) => ({ id: index })) })
  const { store, sent } = await scripted(
    'github-secret:organization',
    [
      key,
      answer(200, { visibility: 'selected' }),
      full,
      answer(200, { repositories: [{ id: 100 }] }),
      answer(204, ''),
    ],
    { env: github },
  )
  await save(store)
  expect(JSON.parse(sent().at(-1)?.body ?? '').selected_repository_ids).toHaveLength(101)
})

test.each([
  ['that is empty', [answer(200, { repositories: [], total_count: 1 })], 1],
  ['that has no total count', [answer(200, { repositories: [{ id: 1 }] })], 1],
  ['that is the last', [answer(200, { repositories: [{ id: 1 }], total_count: 1 })], 1],
])('stops reading the list of repositories after a page %s', async (_, pages, count) => {
  const { store, sent } = await scripted(
    'github-secret:organization',
    [key, answer(200, { visibility: 'selected' }), ...pages, answer(204, '')],
    { env: github },
  )
  await save(store)
  expect(sent().filter(({ url }) => url.includes('/repositories?'))).toHaveLength(count)
})
