import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createFileStorageIn } from '../../src/library/file-storage.ts'
import { getAccessTokenIn } from '../../src/library/get-access-token.ts'
import {
  type ApiOptions,
  createAuthenticatedAPI,
  createFileStorage,
  type FileStorageOptions,
  type TokenOptions,
} from '../../src/library/index.ts'
import {
  type MockOptions,
  mock,
  type SandboxOptions,
  setEnvVars,
  startSandbox,
} from '../../src/testing/index.ts'
import { rejection } from '../support/failure.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { consumer, fakeBitbucket, fakeStorage, freshWorld } from './support/fakes.ts'

/** Passes options as a JavaScript program does, without type checks. */
const untyped = (options: unknown) => options as never

const failure = (work: () => unknown) => rejection((async () => work())())

describe('reports an option of the wrong type as one input error that names it, without a request', () => {
  test.each<[string, unknown, string]>([
    ['appName', 5, 'appName is not a string.'],
    ['clientId', 5, 'clientId is not a string.'],
    ['clientSecret', ['a'], 'clientSecret is not a string.'],
    ['refused', new Date(), 'refused is not a string.'],
    ['grant', 5, 'grant is not a string.'],
    ['url', 5, 'url is not a web address.'],
    ['apiUrl', {}, 'apiUrl is not a web address.'],
    ['env', 'BITBUCKET_URL=x', 'env is not an object.'],
    ['env', { BITBUCKET_URL: 5 }, 'BITBUCKET_URL in env is not a string.'],
    ['storage', 'a file', 'storage is not an object.'],
    ['storage', {}, 'storage has no function loadConfig.'],
    ['storage', { loadConfig: () => undefined }, 'storage has no function saveConfig.'],
    ['storage', { saveConfig: () => undefined }, 'storage has no function loadConfig.'],
    ['storage', { loadConfig: 'x', saveConfig: () => {} }, 'storage.loadConfig is not a function.'],
    ['storage', { loadConfig() {}, saveConfig() {}, alone: true }, 'storage.alone is not a function.'],
    ['storage', Promise.resolve(fakeStorage()), 'storage has no function loadConfig.'],
    ['loadConfig', {}, 'loadConfig is not a function.'],
    ['loadConfig', () => undefined, 'saveConfig is missing.'],
    ['saveConfig', () => undefined, 'loadConfig is missing.'],
    ['useRefreshToken', true, 'useRefreshToken is not a function.'],
    ['forceCredentials', 'false', 'forceCredentials is not true or false.'],
    ['timeout', '60000', 'timeout is not a number.'],
    ['timeout', Number.NaN, 'timeout is out of range or not a whole number.'],
    ['retries', 1.5, 'retries is out of range or not a whole number.'],
    ['signal', new AbortController(), 'signal is not an AbortSignal.'],
    ['logger', { info() {} }, 'logger is not a logger.'],
    ['logging', 'yes', 'logging is not true or false.'],
    ['sendRequest', 'fetch', 'sendRequest is not a function.'],
    ['isSuccess', 200, 'isSuccess is not a function.'],
    ['isUnauthorized', [401], 'isUnauthorized is not a function.'],
    ['handleSuccess', {}, 'handleSuccess is not a function.'],
    ['handleError', 'ignore', 'handleError is not a function.'],
    ['credentialsProvider', consumer, 'credentialsProvider is not a function.'],
  ])('%s: %o', async (name, value, message) => {
    const { sendRequest, requests } = fakeBitbucket()
    const options = untyped({ ...consumer, sendRequest, [name]: value })
    expect(await failure(() => getAccessTokenIn(freshWorld(), options))).toMatchObject({
      code: 'input',
      message,
    })
    expect(requests).toEqual([])
  })

  test.each<[string, unknown]>([
    ['text', 'a-key'],
    ['a number', 5],
    ['an array', [consumer]],
    ['a function', () => consumer],
  ])('the options are %s', async (_, options) => {
    const message = 'The options of getAccessToken are not an object.'
    const error = await failure(() => getAccessTokenIn(freshWorld(), untyped(options)))
    expect(error).toMatchObject({ code: 'input', message })
  })

  test('handleError is called with the error', async () => {
    const heard: string[] = []
    const handleError: TokenOptions['handleError'] = ({ error }) => void heard.push(error.message)
    await failure(() => getAccessTokenIn(freshWorld(), untyped({ handleError, timeout: 'soon' })))
    expect(heard).toEqual(['timeout is not a number.'])
  })

  test('never shows the value', async () => {
    const error = await failure(() =>
      getAccessTokenIn(freshWorld(), untyped({ clientSecret: { s3cr3t: 1 } })),
    )
    expect(inspect(error)).not.toContain('s3cr3t')
  })
})

describe('reports an unknown option as an input error that says what to use', () => {
  test.each<[string, unknown, RegExp]>([
    ['domain', 'bitbucket.example.com', /^Use url: /],
    ['configPath', '/home/ada/.my-app', /createFileStorage\(\{ configPath \}\)/],
    ['errorHandler', () => {}, /handleError/],
    ['createRequestHandler', () => {}, /isSuccess/],
    ['redirectUri', 'https://example.com', /password grant/],
    ['username', 'ada', /clientId/],
    ['scopes', 'a b', /token\.scopes/],
    ['fetch', fetch, /sendRequest/],
    ['clientID', 'k', /^Did you mean clientId\?$/],
    ['client_secret', 's', /^Did you mean clientSecret\?$/],
    ['BITBUCKET_REFRESH_TOKEN', 't', /^Did you mean refreshToken\?$/],
    ['bitbucketKey', 'k', /^The options are: clientId, /],
    ['sendRequset', () => {}, /^Did you mean sendRequest\?$/],
    ['sotrage', {}, /^Did you mean storage\?$/],
    ['toString', 1, /^The options are: /],
    ['x', 1, /^The options are: clientId, /],
  ])('%s', async (name, value, nextStep) => {
    const { sendRequest, requests } = fakeBitbucket()
    const options = untyped({ ...consumer, sendRequest, [name]: value })
    const error = await failure(() => getAccessTokenIn(freshWorld(), options))
    expect(error).toMatchObject({ code: 'input', message: `getAccessToken has no option ${name}.` })
    expect(error.nextStep).toMatch(nextStep)
    expect(requests).toEqual([])
  })

  test('does not show the name if it is not an identifier, because it could be a secret in the wrong place', async () => {
    const error = await failure(() => getAccessTokenIn(freshWorld(), untyped({ 'key:secret=': 1 })))
    expect(error.message).toBe('getAccessToken has no option of that name.')
  })

  test.each<[string, () => unknown]>([
    ['createAuthenticatedAPI', () => createAuthenticatedAPI({ ...consumer, baseURL: 'x' } as ApiOptions)],
    ['createFileStorage', () => createFileStorage({ dir: '/data' } as FileStorageOptions)],
    ['mock', () => mock({ response: {} } as MockOptions)],
    ['startSandbox', () => startSandbox({ ports: 1 } as SandboxOptions)],
  ])('in %s too', async (name, work) => {
    expect(await failure(work)).toMatchObject({
      code: 'input',
      message: expect.stringMatching(`^${name} has no option `),
    })
  })

  test.each<[string, () => unknown, string]>([
    [
      'createAuthenticatedAPI',
      () => createAuthenticatedAPI(untyped({ fetch: 'x' })),
      'fetch is not a function.',
    ],
    [
      'createAuthenticatedAPI',
      () => createAuthenticatedAPI(untyped({ getAccessToken: 'a-token' })),
      'getAccessToken is not a function.',
    ],
    ['createFileStorage', () => createFileStorage(untyped({ configPath: 5 })), 'configPath is not a string.'],
    [
      'createFileStorage',
      () => createFileStorage(untyped({ appName: '../etc' })),
      'appName contains a character that is not allowed, begins with a dot, or is longer than 100 characters.',
    ],
    ['mock', () => mock(untyped({ status: '200' })), 'status is not a number.'],
    ['setEnvVars', () => setEnvVars(untyped({ A_NUMBER: 5 })), 'The value of A_NUMBER is not a string.'],
    ['startSandbox', () => startSandbox(untyped({ scopes: 'a b' })), 'scopes is not a list.'],
  ])('%s: a wrong type is an input error', async (_, work, message) => {
    expect(await failure(work)).toMatchObject({ code: 'input', message })
  })
})

describe('null, undefined and empty text mean absent', () => {
  const names = [
    'clientId consumerKey credentialsProvider refreshToken email apiToken accessToken connectAppKey grant env url',
    'apiUrl appName storage loadConfig saveConfig shareCache useRefreshToken forceCredentials refused timeout retries signal',
    'logger logging isSuccess isUnauthorized handleSuccess handleError domain',
  ]
  test.each(
    names
      .join(' ')
      .split(' ')
      .flatMap((name) => [null, undefined, '', ' '].map((value) => [name, value])),
  )('the option %s: %o', async (name, value) => {
    const { sendRequest, requests } = fakeBitbucket()
    const variables = {
      BITBUCKET_CLIENT_ID: 'k',
      BITBUCKET_CLIENT_SECRET: 's',
      BITBUCKET_URL: '',
      BITBUCKET_API_URL: ' ',
      BITBUCKET_REFRESH_TOKEN: '',
    }
    // Without its own sendRequest, a test would send a request to the real Bitbucket.
    const token = await getAccessTokenIn(freshWorld(variables), { [String(name)]: value, sendRequest })
    expect(token.accessToken).toBe('access-1')
    expect(requests[0]?.url).toBe('https://bitbucket.org/site/oauth2/access_token')
  })

  test('an empty url falls back to the variable', async () => {
    const { sendRequest, requests } = fakeBitbucket()
    const env = { BITBUCKET_URL: 'https://bitbucket.example.com' }
    await getAccessTokenIn(freshWorld(env), { ...consumer, url: '', logging: true, sendRequest })
    expect(requests[0]?.url).toMatch(/^https:\/\/bitbucket\.example\.com\//)
  })

  test.each([null, undefined])('the options are %s', async (options) => {
    const error = await failure(() => getAccessTokenIn(freshWorld(), options))
    expect(error.message).toMatch(/^No credential was given/)
    expect(createFileStorage(options)).toHaveProperty('loadConfig')
  })

  test.each<[string, object | null, string]>([
    ['nothing', null, 'credentialsProvider returned no username.'],
    ['no secret', { username: 'k', password: null }, 'credentialsProvider returned no password.'],
    ['an empty key', { username: ' ', password: 's' }, 'credentialsProvider returned no username.'],
    [
      'a number',
      { username: 'k', password: 5 },
      'credentialsProvider returned a password that is not a string.',
    ],
  ])(
    'a provider that returns %s is an input error, and variables do not replace it',
    async (_, given, message) => {
      const env = { BITBUCKET_CLIENT_ID: 'k', BITBUCKET_CLIENT_SECRET: 's' }
      const options = { credentialsProvider: () => untyped(given), ...fakeBitbucket() }
      expect(await failure(() => getAccessTokenIn(freshWorld(env), options))).toMatchObject({
        code: 'input',
        message,
      })
    },
  )

  test.each([null, undefined])('useRefreshToken resolves to %s', async (verdict) => {
    const { sendRequest, forms } = fakeBitbucket()
    const useRefreshToken = async () => untyped(verdict)
    await getAccessTokenIn(freshWorld(), { ...consumer, refreshToken: 'r', useRefreshToken, sendRequest })
    expect(forms()[0]?.['grant_type']).toBe('refresh_token')
  })

  test('a file storage without options or context uses the default file name', () => {
    const directory = temporaryDirectory()
    const storage = createFileStorageIn(freshWorld({ XDG_CONFIG_HOME: directory }), {
      configPath: '',
      appName: untyped(null),
    })
    storage.saveConfig({ refreshToken: 'r' }, untyped(undefined))
    expect(storage.loadConfig(untyped({ appName: null }))).toEqual({ refreshToken: 'r' })
    expect(() => storage.loadConfig(untyped({ appName: '../etc' }))).toThrow(
      'appName contains a character that is not allowed, begins with a dot, or is longer than 100 characters.',
    )
  })
})
