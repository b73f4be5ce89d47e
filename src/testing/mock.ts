import { number, object, type RulesFor, readGiven, text } from '../library/given.ts'
import { forgetAccessTokens } from '../library/memory.ts'
import { basicAuth } from './basic-auth.ts'
import { accessToken, refreshToken } from './values.ts'

/** What {@link mock} plays. */
export interface MockOptions {
  /** What plays Bitbucket's OAuth. Default `https://bitbucket.org`. */
  readonly url?: string | undefined
  /** What plays its REST API. Default `https://api.bitbucket.org`. */
  readonly apiUrl?: string | undefined
  /** Status of the token endpoint's answers. Default 200, or 400 for another consumer than `opts.valid`. */
  readonly status?: number | undefined
  /** Fields over those of the token endpoint's answer. */
  readonly body?: Readonly<Record<string, unknown>> | undefined
}

/** A request to the token endpoint. */
export interface MockedRequest {
  readonly authorization: string | undefined
  /** The form, read. */
  readonly form: Readonly<Record<string, string>>
}

/** A {@link mock} that is at work. */
export interface MockScope {
  /** Every request to the token endpoint so far. */
  readonly requests: readonly MockedRequest[]
  /** Ends it, and drops the tokens that `getAccessToken` keeps in memory. */
  restore(): void
}

/**
 * Answers for Bitbucket inside this process, with nock, which has to be installed: `POST /site/oauth2/access_token` for
 * `opts.valid`, by client credentials or refresh token, and `GET /2.0/user` for the token that it gives. No other
 * address is touched. The sandbox (`startSandbox`) is a real server and knows much more.
 *
 * @example
 * const { restore } = await mock()
 * assert.equal((await getAccessToken(opts.valid)).accessToken, accessToken)
 * restore()
 */
export async function mock(given?: MockOptions | null): Promise<MockScope> {
  const {
    url = 'https://bitbucket.org',
    apiUrl = 'https://api.bitbucket.org',
    body: changes,
    status,
  } = readGiven(given, 'mock', mockRules)
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
