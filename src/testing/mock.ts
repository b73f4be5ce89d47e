import { forgetAccessTokens } from '../library/memory.ts'
import { number, object, type RulesFor, readOptions, text } from '../library/option-rules.ts'
import { accessToken, basicAuth, refreshToken } from './values.ts'

/** How {@link mock} answers. */
export interface MockOptions {
  /** The address of Bitbucket's OAuth. Default `https://bitbucket.org`. */
  readonly url?: string | undefined
  /** The address of its REST API. Default `https://api.bitbucket.org`. */
  readonly apiUrl?: string | undefined
  /** Status of the token endpoint's answers. Default 200, or 400 if the OAuth client is not `opts.valid`. */
  readonly status?: number | undefined
  /** Fields that are added to the token endpoint's answer, or replace its fields. */
  readonly body?: Readonly<Record<string, unknown>> | undefined
}

/** A request to the token endpoint. */
export interface MockedRequest {
  readonly authorization: string | undefined
  /** The parsed form. */
  readonly form: Readonly<Record<string, string>>
}

/** An active {@link mock}. */
export interface MockScope {
  /** Every request to the token endpoint so far. */
  readonly requests: readonly MockedRequest[]
  /** Ends the mock, and forgets the tokens that `getAccessToken` keeps in memory. */
  restore(): void
}

/**
 * Mocks Bitbucket in this process with nock, which must be installed. It answers `POST /site/oauth2/access_token` for
 * `opts.valid`, with client credentials or a refresh token, and `GET /2.0/user` for the token that it issued. It does not
 * affect other addresses. The sandbox (`startSandbox`) is a real server and supports much more.
 *
 * @example
 * const { restore } = await mock()
 * assert.equal((await getAccessToken(opts.valid)).accessToken, accessToken)
 * restore()
 */
export async function mock(rawOptions?: MockOptions | null): Promise<MockScope> {
  const {
    url = 'https://bitbucket.org',
    apiUrl = 'https://api.bitbucket.org',
    body: changes,
    status,
  } = readOptions(rawOptions, 'mock', mockRules)
  const { default: nock } = await import('nock')
  const requests: MockedRequest[] = []
  forgetAccessTokens()
  const token = nock(url).persist().post('/site/oauth2/access_token')
  token.reply(async (request: Request) => {
    const authorization = request.headers.get('authorization') ?? undefined
    const form = Object.fromEntries(new URLSearchParams(await request.text()))
    requests.push({ authorization, form })
    return answer(authorization, form, status, changes)
  })
  const user = nock(apiUrl, { reqheaders: { authorization: `Bearer ${accessToken}` } })
    .persist()
    .get('/2.0/user')
  user.reply(200, { type: 'app_user', display_name: 'made-up consumer' })
  return {
    requests,
    restore() {
      forgetAccessTokens()
      for (const interceptor of [token, user]) nock.removeInterceptor(interceptor)
    },
  }
}

const mockRules: RulesFor<MockOptions> = { url: text, apiUrl: text, status: number, body: object }

function answer(
  authorization: string | undefined,
  form: Readonly<Record<string, string>>,
  status: number | undefined,
  changes: MockOptions['body'],
): [number, object] {
  const isRefresh = form['grant_type'] === 'refresh_token'
  if (authorization !== basicAuth()) {
    return [
      status ?? 400,
      { error: 'unauthorized_client', error_description: 'Invalid OAuth client credentials', ...changes },
    ]
  }
  if (isRefresh && form['refresh_token'] !== refreshToken) {
    return [status ?? 400, { error: 'invalid_grant', error_description: 'Invalid refresh_token', ...changes }]
  }
  const token = {
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: 7200,
    scope: 'account repository',
  }
  return [status ?? 200, { ...token, ...(isRefresh && { refresh_token: refreshToken }), ...changes }]
}
