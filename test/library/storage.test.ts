import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test as plainTest } from 'vitest'
import { createFileStorageIn } from '../../src/library/file-storage.ts'
import { getAccessTokenIn } from '../../src/library/get-access-token.ts'
import {
  createFileStorage,
  forgetAccessTokens,
  getAccessToken,
  type StoredConfig,
  type TokenOptions,
  type TokenStorage,
  UnsavedTokenError,
} from '../../src/library/index.ts'
import { Secret } from '../../src/secret.ts'
import { fileStore } from '../../src/stores/file.ts'
import { start } from '../sandbox/start.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { consumer, fakeBitbucket, fakeStorage, freshWorld } from './support/fakes.ts'

const test = plainTest.extend('storage', () => fakeStorage())

/** Gets a token as another process would: with the same storage, and nothing in memory. */
const getFresh = (options: TokenOptions) => {
  forgetAccessTokens()
  return getAccessTokenIn(freshWorld(), { ...consumer, ...options })
}

describe('a storage', () => {
  test('has the new tokens before the token is returned', async ({ storage }) => {
    const { sendRequest } = fakeBitbucket()
    const events: string[] = []
    const { accessToken } = await getFresh({
      sendRequest,
      refreshToken: 'refresh-0',
      appName: 'my-app',
      loadConfig: ({ appName }) => {
        events.push(`load for ${appName}`)
        return undefined
      },
      saveConfig: async (config, { appName }) => {
        await new Promise(setImmediate)
        storage.saveConfig(config)
        events.push(`save for ${appName}`)
      },
      handleSuccess: () => void events.push('returned'),
    })
    expect(events).toEqual(['load for my-app', 'save for my-app', 'returned'])
    expect(storage.saved).toEqual([
      {
        refreshToken: 'refresh-1',
        startedWith: expect.stringMatching(/^[0-9a-f]{64}$/),
        accessToken,
        kind: 'refresh-token',
        expiresAt: '2026-11-21T12:00:00.000Z',
        expiresIn: 7200,
        scopes: ['account'],
        issuedFor: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ])
  })

  test.each([['refresh-0'], [undefined]])(
    'gives another process the access token, if that process was given %s',
    async (refreshToken) => {
      const { sendRequest, requests } = fakeBitbucket()
      const storage = fakeStorage()
      await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })
      const token = await getFresh({ sendRequest, storage, refreshToken })
      expect([token.accessToken, token.refreshToken, token.kind, token.scopes]).toEqual([
        'access-1',
        'refresh-1',
        'refresh-token',
        ['account'],
      ])
      expect(requests).toHaveLength(1)
    },
  )

  test('gives another process the newest refresh token if the access token was refused', async ({
    storage,
  }) => {
    const { sendRequest, forms } = fakeBitbucket()
    await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })
    await getFresh({ sendRequest, storage, refreshToken: 'refresh-0', refused: 'access-1' })
    await getFresh({ sendRequest, storage, refused: 'access-2' })
    expect(forms().map((form) => form['refresh_token'])).toEqual(['refresh-0', 'refresh-1', 'refresh-2'])
    // The original refresh token is still recognised.
    expect((await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })).accessToken).toBe('access-3')
  })

  test('is replaced if another refresh token is given, because a person has authorised the app again', async ({
    storage,
  }) => {
    const { sendRequest, forms } = fakeBitbucket()
    await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })
    await getFresh({ sendRequest, storage, refreshToken: 'from-a-person' })
    expect(forms().at(-1)?.['refresh_token']).toBe('from-a-person')
  })

  test('of bitbucket-auth can be read, and its other fields are kept', async () => {
    const { sendRequest, forms } = fakeBitbucket()
    const storage = fakeStorage({ refreshToken: 'refresh-0', theme: 'dark' } as StoredConfig)
    await getFresh({ sendRequest, storage })
    expect(forms()).toEqual([{ grant_type: 'refresh_token', refresh_token: 'refresh-0' }])
    expect(storage.saved[0]).toMatchObject({ theme: 'dark', refreshToken: 'refresh-1' })
  })

  test('if the stored refresh token is refused, the given one is tried', async () => {
    const { sendRequest, forms } = fakeBitbucket((number) => (number === 1 ? { error: 'invalid_grant' } : {}))
    const token = await getFresh({
      sendRequest,
      storage: fakeStorage({ refreshToken: 'dead' }),
      refreshToken: 'refresh-0',
    })
    expect(token.accessToken).toBe('access-2')
    expect(forms().map((form) => form['refresh_token'])).toEqual(['dead', 'refresh-0'])
  })

  test('of another consumer is not overwritten', async ({ storage }) => {
    const { sendRequest, requests } = fakeBitbucket()
    await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })
    await expect(getFresh({ sendRequest, storage, clientId: 'another' })).rejects.toMatchObject({
      code: 'input',
      message:
        'The storage contains the refresh token of another OAuth client. Using it for this one would lose that token.',
    })
    expect(requests).toHaveLength(1)
  })

  test('keeps a client-credentials token too, and no refresh token, because this grant does not need one', async ({
    storage,
  }) => {
    const { sendRequest, requests, forms } = fakeBitbucket(() => ({ refresh_token: 'of-the-old-backend' }))
    await getFresh({ sendRequest, storage })
    expect(storage.saved[0]).toMatchObject({ kind: 'client-credentials', accessToken: 'access-1' })
    expect(storage.saved[0]).not.toHaveProperty('refreshToken')
    await getFresh({ sendRequest, storage })
    expect(requests).toHaveLength(1)
    await getFresh({ sendRequest, storage, refused: 'access-1' })
    expect(forms()[1]).toEqual({ grant_type: 'client_credentials' })
  })

  test.each<[string, TokenOptions]>([
    ['forceCredentials', { forceCredentials: true }],
    ['useRefreshToken', { useRefreshToken: ({ refreshToken }) => refreshToken !== 'refresh-1' }],
    ['an asynchronous useRefreshToken', { useRefreshToken: async () => false }],
  ])('%s: uses key and secret only, and keeps the refresh token', async (_, options) => {
    const { sendRequest, forms } = fakeBitbucket()
    const storage = fakeStorage()
    await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })
    const token = await getFresh({ sendRequest, storage, refreshToken: 'refresh-0', ...options })
    expect(token.kind).toBe('client-credentials')
    expect(forms()[1]).toEqual({ grant_type: 'client_credentials' })
    expect(storage.saved[1]).toMatchObject({ refreshToken: 'refresh-1', accessToken: 'access-2' })
  })

  test('has its own tokens: another storage means a new request, even for the same credential', async () => {
    const world = freshWorld()
    const { sendRequest, requests } = fakeBitbucket()
    const one = fakeStorage()
    const another = fakeStorage()
    const get = (options: TokenOptions) => getAccessTokenIn(world, { ...consumer, sendRequest, ...options })
    await get({ storage: one })
    await get({ storage: another })
    await get({ loadConfig: one.loadConfig, saveConfig: one.saveConfig })
    await get({ storage: one })
    expect(requests).toHaveLength(2)
    expect([one.saved.length, another.saved.length]).toEqual([1, 1])
  })

  test('is not used for a token that needs no storing', async () => {
    const storage = {
      loadConfig: () => {
        throw new Error('asked')
      },
      saveConfig: () => {},
    }
    forgetAccessTokens()
    const token = await getAccessTokenIn(freshWorld(), { accessToken: 'mine', storage })
    expect(token.accessToken).toBe('mine')
  })

  test.each<[string, () => unknown, string]>([
    ['fails', () => JSON.parse('secret-in-the-file'), 'loadConfig failed'],
    [
      'rejects',
      () => Promise.reject(Object.assign(new Error('secret'), { code: 'EACCES' })),
      'loadConfig failed (EACCES)',
    ],
    ['returns no object', () => 'secret', 'loadConfig did not return an object'],
    [
      'returns a token that is not text',
      () => ({ refreshToken: 7 }),
      'loadConfig returned a refreshToken that is not text',
    ],
  ])('that %s ends the call before the refresh token is spent', async (_, load, message) => {
    const { sendRequest, requests } = fakeBitbucket()
    const loadConfig = load as NonNullable<TokenOptions['loadConfig']>
    await expect(getFresh({ sendRequest, loadConfig, saveConfig: () => {} })).rejects.toMatchObject({
      code: 'store-unwritable',
      message: `${message}. No request was sent to Bitbucket.`,
    })
    expect(requests).toEqual([])
  })
})

describe('a token that could not be saved', () => {
  test('is in the error, and the next call saves it without a request', async ({ storage }) => {
    const world = freshWorld()
    const { sendRequest, requests } = fakeBitbucket()
    let isBroken = true
    const options: TokenOptions = {
      ...consumer,
      refreshToken: 'refresh-0',
      sendRequest,
      storage: {
        loadConfig: storage.loadConfig,
        saveConfig: (config) => {
          if (isBroken) throw new Error(`no room for ${config.refreshToken}`)
          storage.saveConfig(config)
        },
      },
    }
    const failures = await Promise.allSettled([
      getAccessTokenIn(world, options),
      getAccessTokenIn(world, options),
    ])
    for (const failure of failures) {
      if (failure.status === 'fulfilled') throw new Error('expected a failure')
      const error = failure.reason
      if (!(error instanceof UnsavedTokenError)) throw error
      expect(error).toMatchObject({
        code: 'store-unwritable',
        message: 'The new token could not be saved: no room for ***',
      })
      expect([error.token.accessToken, error.token.refreshToken]).toEqual(['access-1', 'refresh-1'])
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/access-1|refresh-[01]/)
    }
    await expect(getAccessTokenIn(world, options)).rejects.toThrow(UnsavedTokenError)
    isBroken = false
    expect((await getAccessTokenIn(world, options)).accessToken).toBe('access-1')
    expect(storage.saved).toMatchObject([{ refreshToken: 'refresh-1' }])
    expect(requests).toHaveLength(1)
  })

  test('is also saved if no caller waits for it any more', async ({ storage }) => {
    const { sendRequest } = fakeBitbucket()
    const leaving = new AbortController()
    const saved = new Promise<boolean>((resolve) => {
      const call = getFresh({
        sendRequest,
        refreshToken: 'refresh-0',
        signal: leaving.signal,
        loadConfig: () => undefined,
        saveConfig: async (config, { signal }) => {
          leaving.abort(new Error('enough'))
          await new Promise(setImmediate)
          storage.saveConfig(config)
          resolve(signal.aborted)
        },
      })
      call.catch(() => {})
    })
    expect(await saved).toBe(false)
    expect(storage.saved).toHaveLength(1)
  })
})

describe('a file storage', () => {
  test('keeps the tokens of each app in a file that only this user can read', async () => {
    const home = temporaryDirectory()
    const world = freshWorld({ XDG_CONFIG_HOME: home })
    const storage = createFileStorageIn(world, {})
    expect(() => createFileStorageIn(world, { appName: '../etc/x' })).toThrow(
      'appName contains a character that is not allowed, begins with a dot, or is longer than 100 characters.',
    )
    const { sendRequest } = fakeBitbucket()
    const before = process.umask(0)
    try {
      for (const appName of ['one', 'two', undefined])
        await getAccessTokenIn(world, {
          ...consumer,
          sendRequest,
          storage,
          appName,
          refreshToken: 'refresh-0',
        })
    } finally {
      process.umask(before)
    }
    const directory = join(home, 'bitbucket-token')
    expect(readdirSync(directory).sort()).toEqual(['default.json', 'one.json', 'two.json'])
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(join(directory, 'two.json'), 'utf8')).refreshToken).toBe('refresh-2')
  })

  test('uses the file of bitbucket-auth, whatever its mode', async () => {
    const configPath = join(temporaryDirectory(), '.my-app')
    writeFileSync(configPath, '{"refreshToken":"refresh-0"}')
    chmodSync(configPath, 0o666)
    const { sendRequest, forms } = fakeBitbucket()
    await getFresh({ sendRequest, storage: createFileStorage({ configPath }) })
    expect(forms()[0]?.['refresh_token']).toBe('refresh-0')
    expect(statSync(configPath).mode & 0o777).toBe(0o600)
  })

  test('allows one request at a time, even if each caller has its own storage', async () => {
    forgetAccessTokens()
    const sandbox = await start()
    const configPath = join(temporaryDirectory(), 'tokens.json')
    const { clientId, clientSecret, refreshToken } = sandbox.credentials
    const tokens = await Promise.all(
      Array.from({ length: 16 }, () =>
        getAccessToken({
          clientId,
          clientSecret,
          refreshToken,
          url: sandbox.url,
          env: {},
          storage: createFileStorage({ configPath }),
        }),
      ),
    )
    expect(sandbox.requests).toHaveLength(1)
    expect(new Set(tokens.map(({ accessToken }) => accessToken)).size).toBe(1)
    expect(existsSync(`${configPath}.lock`)).toBe(false)
  })

  test('shares a file with the command line, which keeps only the refresh token in it', async () => {
    const directory = temporaryDirectory()
    const configPath = join(directory, 'refresh-token')
    const world = freshWorld()
    const identity = ['https://bitbucket.org/', consumer.clientId]
    const store = fileStore({ path: configPath, identity, world, timeout: 1_000 })
    writeFileSync(configPath, 'refresh-0\n')
    const { sendRequest, requests } = fakeBitbucket()
    const storage = createFileStorage({ configPath })

    await getFresh({ sendRequest, storage })
    expect(readFileSync(configPath, 'utf8')).toBe('refresh-1')
    expect(readdirSync(directory)).toEqual(['refresh-token', 'refresh-token.access'])
    const loaded = await store.load()
    expect([loaded?.refreshToken?.reveal(), loaded?.access?.token.reveal()]).toEqual([
      'refresh-1',
      'access-1',
    ])

    const issuedAt = world.now()
    const access = {
      token: new Secret('of-a-job'),
      issuedAt,
      expiresAt: issuedAt + 7_200_000,
      scopes: ['account'],
    }
    await store.save({ refreshToken: new Secret('refresh-2'), access }, new AbortController().signal)
    const token = await getFresh({ sendRequest, storage })
    expect([token.accessToken, token.refreshToken, requests.length]).toEqual(['of-a-job', 'refresh-2', 1])
  })

  test('that cannot be written stops the call before the refresh token is spent', async () => {
    const configPath = join(temporaryDirectory(), 'taken', 'tokens.json')
    mkdirSync(join(configPath, '..'))
    mkdirSync(`${configPath}.new`)
    const { sendRequest, requests } = fakeBitbucket()
    const call = getFresh({
      sendRequest,
      refreshToken: 'refresh-0',
      storage: createFileStorage({ configPath }),
    })
    await expect(call).rejects.toMatchObject({
      code: 'store-unwritable',
      nextStep: 'Use a directory that this user can write to, on a disk with free space.',
    })
    expect(requests).toEqual([])
  })

  test('does not show the content of a file that is not JSON', async () => {
    const configPath = join(temporaryDirectory(), 'tokens.json')
    writeFileSync(configPath, '{"refreshToken":"a-refresh-token')
    const { sendRequest, requests } = fakeBitbucket()
    const call = getFresh({ sendRequest, storage: createFileStorage({ configPath }) })
    await expect(call).rejects.toMatchObject({ message: `${configPath} is not valid JSON.` })
    expect(requests).toEqual([])
  })

  test('logs what it does, if there is a logger', async () => {
    const configPath = join(temporaryDirectory(), 'tokens.json')
    const lines: string[] = []
    const storage = createFileStorage({
      configPath,
      logger: (level, message) => lines.push(`${level} ${message}`),
    })
    await getFresh({ ...fakeBitbucket(), storage })
    expect(lines).toEqual([`debug ${configPath} is missing or empty.`, `debug ${configPath} was written.`])
  })
})

describe('a storage whose columns are NULL or empty when absent', () => {
  const fields = [
    'refreshToken',
    'startedWith',
    'accessToken',
    'kind',
    'expiresAt',
    'expiresIn',
    'scopes',
    'issuedFor',
  ]
  const table = (absent: unknown) => {
    const rows: Record<string, unknown>[] = []
    const nothing = Object.fromEntries(fields.map((name) => [name, absent]))
    return {
      rows,
      loadConfig: () => (rows.at(-1) ?? nothing) as StoredConfig,
      saveConfig: (config: StoredConfig) => void rows.push({ ...nothing, theme: null, ...config }),
    }
  }

  test.each([null, undefined, '', ' '])(
    '%o: every run works with the token of the run before',
    async (absent) => {
      for (const refreshToken of ['refresh-0', undefined]) {
        const { sendRequest, requests, forms } = fakeBitbucket()
        const storage = table(absent)
        await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })
        expect((await getFresh({ sendRequest, storage, refreshToken })).accessToken).toBe('access-1')
        await getFresh({ sendRequest, storage, refreshToken, refused: 'access-1' })
        await getFresh({ sendRequest, storage, refreshToken, refused: 'access-2' })
        expect(requests).toHaveLength(3)
        expect(forms().map((form) => form['refresh_token'])).toEqual(['refresh-0', 'refresh-1', 'refresh-2'])
        // A column that is not ours keeps its NULL.
        expect(storage.rows.at(-1)).toHaveProperty('theme', null)
      }
    },
  )

  test.each([null, undefined, ''])(
    '%o: client credentials leave no refresh token behind, and send none',
    async (absent) => {
      const { sendRequest, requests, forms } = fakeBitbucket()
      const storage = table(absent)
      await getFresh({ sendRequest, storage })
      await getFresh({ sendRequest, storage })
      expect(requests).toHaveLength(1)
      await getFresh({ sendRequest, storage, refused: 'access-1' })
      expect(forms()[1]).toEqual({ grant_type: 'client_credentials' })
    },
  )

  test('accepts empty text from loadConfig', async () => {
    const loadConfig = () => '' as never
    const token = await getFresh({ ...fakeBitbucket(), loadConfig, saveConfig: () => {} })
    expect(token.kind).toBe('client-credentials')
  })

  test('reads a time that a database returns as a Date', async ({ storage }) => {
    const { sendRequest, requests } = fakeBitbucket()
    const loadConfig = () => {
      const config = storage.loadConfig()
      return config && ({ ...config, expiresAt: new Date(config.expiresAt ?? '') } as unknown as StoredConfig)
    }
    await getFresh({ sendRequest, loadConfig, saveConfig: storage.saveConfig })
    await getFresh({ sendRequest, loadConfig, saveConfig: storage.saveConfig })
    expect(requests).toHaveLength(1)
  })

  test('reads a row whose columns are getters of a class', async () => {
    class Row {
      get refreshToken() {
        return 'refresh-0'
      }
      get accessToken() {
        return null
      }
    }
    const { sendRequest, forms } = fakeBitbucket()
    await getFresh({ sendRequest, loadConfig: () => new Row() as never, saveConfig: () => {} })
    expect(forms()[0]?.['refresh_token']).toBe('refresh-0')
  })

  test('treats an empty file as absent', async () => {
    const configPath = join(temporaryDirectory(), 'tokens.json')
    writeFileSync(configPath, ' \n')
    await getFresh({
      ...fakeBitbucket(),
      refreshToken: 'refresh-0',
      storage: createFileStorage({ configPath }),
    })
    expect(JSON.parse(readFileSync(configPath, 'utf8'))).toMatchObject({ refreshToken: 'refresh-1' })
  })
})

test('a caller who gives the newest token after a failed save gets it without a request', async ({
  storage,
}) => {
  const world = freshWorld()
  const { sendRequest, requests } = fakeBitbucket()
  let isBroken = true
  const options = {
    ...consumer,
    sendRequest,
    storage: {
      loadConfig: storage.loadConfig,
      saveConfig: (config: StoredConfig) => {
        if (isBroken) throw new Error('no room')
        storage.saveConfig(config)
      },
    },
  }
  const failed = getAccessTokenIn(world, { ...options, refreshToken: 'refresh-0' })
  await expect(failed).rejects.toThrow(UnsavedTokenError)
  isBroken = false
  const token = await getAccessTokenIn(world, { ...options, refreshToken: 'refresh-1' })
  expect([token.accessToken, requests.length]).toEqual(['access-1', 1])
})

describe('the storage hook alone', () => {
  test.each<[string, NonNullable<TokenStorage['alone']>]>([
    ['does not return what work gave', async (_, work) => void (await work()) as never],
    ['does not wait for work', async (_, work) => void work() as never],
    ['runs work twice', async (_, work) => await work().then(work)],
  ])('an `alone` that %s loses no token', async (_, alone) => {
    const { sendRequest, requests } = fakeBitbucket()
    const storage = { ...fakeStorage(), alone }
    expect((await getFresh({ sendRequest, storage, refreshToken: 'refresh-0' })).accessToken).toBe('access-1')
    expect([requests.length, storage.saved.length]).toEqual([1, 1])
  })

  test('an `alone` that does not run its work is an input error', async () => {
    const { sendRequest, requests } = fakeBitbucket()
    const storage = { ...fakeStorage(), alone: async () => undefined as never }
    await expect(getFresh({ sendRequest, storage })).rejects.toMatchObject({
      code: 'input',
      message: 'storage.alone did not call work().',
    })
    expect(requests).toEqual([])
  })
})
