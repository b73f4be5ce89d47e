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

/** Returns requests as a server sees them: a line with method and address, then the headers and the body. */
const asText = (requests: ReturnType<Awaited<ReturnType<typeof scripted>>['sent']>) =>
  requests
    .map(({ method, url, headers, body }) =>
      [`${method} ${url}`, ...Object.entries(headers).map((header) => header.join(': ')), body]
        .filter((line) => line !== undefined)
        .join('\n'),
    )
    .join('\n\n')

const none = answer(200, { values: [] })
const made = answer(201, {})

describe('sends exactly this', () => {
  test('to Bitbucket, for a new variable', async () => {
    const { store, sent } = await scripted('bitbucket-variable', [none, made])
    await save(store)
    expect(asText(sent())).toMatchInlineSnapshot(`
      "GET https://api.bitbucket.org/2.0/repositories/acme/app/pipelines_config/variables?pagelen=100
      authorization: Bearer the-access-token
      accept: application/json

      POST https://api.bitbucket.org/2.0/repositories/acme/app/pipelines_config/variables
      authorization: Bearer the-access-token
      accept: application/json
      content-type: application/json
      {"key":"BITBUCKET_REFRESH_TOKEN","value":"new","secured":true}"
    `)
  })

  test('to Bitbucket, for an existing variable', async () => {
    const found = answer(200, { values: ['T', { key: 'T', uuid }] })
    const { store, sent } = await scripted('bitbucket-variable:workspace/T', [found, answer(200, {})])
    await save(store)
    expect(asText(sent().slice(1))).toMatchInlineSnapshot(`
      "PUT https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/variables/%7B5a0d8a10-0000-4000-8000-000000000001%7D
      authorization: Bearer the-access-token
      accept: application/json
      content-type: application/json
      {"uuid":"{5a0d8a10-0000-4000-8000-000000000001}","key":"T","value":"new","secured":true}"
    `)
  })

  test('to Bitbucket, for a deployment variable, with other environments and unnamed ones in the list', async () => {
    const { store, sent } = await scripted('bitbucket-variable:deployment/Production/T', [
      answer(200, { values: [{ uuid: '{1}' }, { name: 'Test', uuid: '{2}' }, { name: 'PRODUCTION', uuid }] }),
      none,
      made,
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
    const sealed = /(?<="encrypted_value":")[\w+/=]+/
    expect(asText(sent()).replace(sealed, '<sealed>')).toMatchInlineSnapshot(`
      "GET https://api.github.com/repos/acme/app/actions/secrets/public-key
      authorization: Bearer the-github-token
      accept: application/vnd.github+json
      x-github-api-version: 2022-11-28

      PUT https://api.github.com/repos/acme/app/actions/secrets/BITBUCKET_REFRESH_TOKEN
      authorization: Bearer the-github-token
      accept: application/vnd.github+json
      x-github-api-version: 2022-11-28
      content-type: application/json
      {"encrypted_value":"<sealed>","key_id":"1"}"
    `)
  })

  test('to GitLab, for a new variable', async () => {
    const { store, sent } = await scripted('gitlab-variable', [answer(404, {}), made], { env: gitlab })
    await save(store)
    expect(asText(sent())).toMatchInlineSnapshot(`
      "PUT https://gitlab.com/api/v4/projects/42/variables/BITBUCKET_REFRESH_TOKEN
      private-token: the-gitlab-token
      accept: application/json
      content-type: application/json
      {"key":"BITBUCKET_REFRESH_TOKEN","value":"new","masked":true,"raw":true}

      POST https://gitlab.com/api/v4/projects/42/variables
      private-token: the-gitlab-token
      accept: application/json
      content-type: application/json
      {"key":"BITBUCKET_REFRESH_TOKEN","value":"new","masked":true,"raw":true}"
    `)
  })

  test('to GitLab, to read a variable', async () => {
    const found = answer(200, { value: 'x' })
    const { store, sent } = await scripted('gitlab-variable:T', [found], { env: gitlab })
    await store.load()
    expect(asText(sent())).toMatchInlineSnapshot(`
      "GET https://gitlab.com/api/v4/projects/42/variables/T
      private-token: the-gitlab-token
      accept: application/json"
    `)
  })
})

/** Returns the error's code, message and next step. */
async function said(work: Promise<unknown>): Promise<string> {
  const { code, message, nextStep } = await errorOf(work)
  return `${code}: ${message}\n${nextStep}`
}

const words = { message: 'What it says.' }
const refused = (status: number) => answer(status, { error: words })

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
    const told = await said(save((await scripted('bitbucket-variable', [denied])).store))
    expect(told).toContain(message)
    expect(told).toContain('In detail.')
    expect(told).toContain(advice)
    expect(told).not.toContain('Give the OAuth client the permissions')
  })

  const askAgain = (scopes: string) =>
    `Give the OAuth client the permissions Pipelines: Read and Edit variables (scopes ${scopes}). Then ask an administrator of acme/app to authorise it again.`
  const lookUp = 'Check that acme/app exists and that Pipelines is enabled in it.'
  const lacking = { required: ['pipeline', 'pipeline:variable'], granted: [] }
  const expired = 'The github-token has expired or was revoked. Create a new one.'
  const needs = (what: string) =>
    `The github-token needs the repository permission "${what}: write" (classic: the scope repo). The GITHUB_TOKEN of a job cannot have it. Use the token of a GitHub App or a fine-grained token.`
  const hasAccess = `${needs('Secrets')}\nCheck that the token has access to the repository.`
  const byHand = 'Try to set the secret by hand with `gh secret set`, which uses the same API.'
  const selected = answer(200, { visibility: 'selected' })
  const organization = 'github-secret:organization'
  const role =
    'Use a project access token (or a personal one) with the role Maintainer and the scope api as gitlab-token. The CI_JOB_TOKEN cannot write variables.'
  const inSettings = 'Try to set the variable by hand in Settings → CI/CD → Variables.'

  test.each<[place: string, answers: HttpResponse[], says: string, nextStep: string]>([
    [
      'bitbucket-variable',
      [refused(401)],
      '401: "What it says."',
      askAgain('pipeline and pipeline:variable'),
    ],
    [
      'bitbucket-variable',
      [refused(403)],
      '403: "What it says."',
      askAgain('pipeline and pipeline:variable'),
    ],
    [
      'bitbucket-variable',
      [answer(403, { type: 'error', error: { ...words, detail: lacking } })],
      '403: "What it says."',
      askAgain('pipeline, pipeline:variable'),
    ],
    ['bitbucket-variable', [refused(404)], '404: "What it says."', lookUp],
    ['bitbucket-variable', [refused(500)], '500: "What it says."', lookUp],
    ['bitbucket-variable', [answer(200, { values: 1 })], '200', lookUp],
    ['bitbucket-variable', [answer(500, { values: [] }), made], '500', lookUp],
    ['bitbucket-variable', [none, refused(409)], '409: "What it says."', lookUp],
    ['bitbucket-variable', [none, refused(404)], '404: "What it says."', lookUp],
    ['github-secret', [answer(401, words)], '401: "What it says."', expired],
    ['github-secret', [answer(403, words)], '403: "What it says."', hasAccess],
    ['github-secret', [answer(404, words)], '404: "What it says."', hasAccess],
    ['github-secret', [answer(500, words)], '500: "What it says."', byHand],
    ['github-secret', [answer(200, { key_id: '1' })], '200', byHand],
    ['github-secret', [answer(200, { key: 'x' })], '200', byHand],
    ['github-secret', [answer(500, { key_id: '1', key: 'x' })], '500', byHand],
    ['github-secret', [key, answer(400, words)], '400: "What it says."', byHand],
    [
      'github-secret:environment/prod',
      [answer(404, '')],
      '404',
      `${needs('Environments')}\nCheck that the environment exists: Settings → Environments.`,
    ],
    // It reads the visibility of an organisation's secret.
    [organization, [key, answer(200, {}), answer(204, '')], '200', byHand],
    [organization, [key, answer(500, { visibility: 'all' }), answer(204, '')], '500', byHand],
    [organization, [key, selected, answer(200, {}), answer(204, '')], '200', byHand],
    [organization, [key, selected, answer(500, { repositories: [] }), answer(204, '')], '500', byHand],
    ['gitlab-variable:T', [answer(400, { error: 'is invalid' })], '400: "is invalid"', inSettings],
    ['gitlab-variable:T', [answer(500, {})], '500', inSettings],
  ])('when it writes to %s (%#)', async (place, answers, says, nextStep) => {
    const { store } = await scripted(place, answers, { env: { ...github, ...gitlab } })
    const host = { b: 'api.bitbucket.org', gith: 'api.github.com', gitl: 'gitlab.com' }
    const service = Object.entries(host).find(([start]) => place.startsWith(start))?.[1]
    expect(await said(save(store))).toBe(
      `store-unwritable: ${service} answered with status ${says}.\n${nextStep}`,
    )
  })

  test('for an environment that does not exist', async () => {
    const { store } = await scripted('bitbucket-variable:deployment/Nowhere', [none])
    expect(await said(save(store))).toBe(
      'store-unwritable: acme/app has no deployment environment with that name.\nLook up the name in Repository settings → Deployments, or give the UUID of the environment.',
    )
  })

  test.each([
    [401, 'The gitlab-token has expired or was revoked. Create a new one.'],
    [403, role],
    [404, role],
    [409, 'There are several variables T. Keep only the one whose environment scope is * (All).'],
    [500, inSettings],
  ])('by GitLab with %d before the refresh token is spent', async (status, nextStep) => {
    const answers = [answer(status, { message: 'Project' })]
    const { store } = await scripted('gitlab-variable:T', answers, { env: gitlab })
    expect(await said(store.check())).toBe(
      `store-unwritable: gitlab.com answered with status ${status}: "Project".\n${nextStep}`,
    )
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
  const answers = statuses.flatMap((status) => [none, refused(status)])
  const { store, sent } = await scripted('bitbucket-variable', answers)
  expect((await errorOf(save(store))).message).toContain(`status ${statuses.at(-1)}: "What it says."`)
  expect(sent()).toHaveLength(requests)
})

test.each([['/2.0/x?page=2'], [['https://api.bitbucket.org/2.0/x?page=2']], [2]])(
  'stops if the next page of a list of variables is %j',
  async (next) => {
    const { store, sent } = await scripted('bitbucket-variable', [answer(200, { values: [], next }), made])
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

describe('the list of repositories that may read a secret', () => {
  const selected = answer(200, { visibility: 'selected' })
  let id = 0
  const page = (count: number, total?: number) =>
    answer(200, {
      repositories: Array.from({ length: count }, () => ({ id: ++id })),
      ...(total !== undefined && { total_count: total }),
    })
  const listing = (...pages: HttpResponse[]) =>
    scripted('github-secret:organization', [key, selected, ...pages], { env: github })

  test('is refused before the refresh token is spent if it is endless, so no repository is dropped', async () => {
    const { store, sent } = await listing(page(1, 1_000_000))
    const error = await errorOf(store.check())
    expect(error.message).toMatch(/endless list of repositories for BITBUCKET_REFRESH_TOKEN/)
    expect(sent()).toHaveLength(102)
    expect(new Set(sent().map(({ method }) => method))).toEqual(new Set(['GET']))
  })

  test.each([
    ['ends with a page that is empty', [page(0, 1)], 0],
    ['ends with a page that has no total count', [page(1)], 1],
    ['ends with the last page', [page(1, 1)], 1],
    ['goes on after a full page without a total count', [page(100), page(1)], 101],
  ])('%s', async (_, pages, repositories) => {
    const { store, sent } = await listing(...pages, answer(204, ''))
    await save(store)
    expect(sent().filter(({ url }) => url.includes('/repositories?'))).toHaveLength(pages.length)
    expect(JSON.parse(sent().at(-1)?.body ?? '').selected_repository_ids).toHaveLength(repositories)
  })
})
