import { TokenError } from '../errors.ts'
import { invalid } from '../read-value.ts'
import { digest } from '../stores/digest.ts'
import type { IssuedTokens, TokenStore } from '../stores/store.ts'
import { accessIn, refreshTokenIn, type StoredConfig, withTokens } from '../stores/stored-config.ts'
import { codeOf } from './errors.ts'
import type { Memory } from './memory.ts'
import type { Settings } from './settings.ts'
import { readStored, type StorageContext, type TokenStorage, unreadable } from './storage.ts'

/** A caller's storage as a {@link TokenStore}. */
export interface StorageStore extends TokenStore {
  /** What was loaded last, with the fields of other programs. */
  readonly config: StoredConfig
  /** Also saves the tokens of a grant that returns no refresh token. */
  save(tokens: IssuedTokens): Promise<void>
}

/** Returns the store for a caller's storage. What it cannot save stays in `memory`, and the next `load` saves it first. */
export function storageStore(storage: TokenStorage, memory: Memory, settings: Settings): StorageStore {
  const { appName, world, deadline, log, url, inputs } = settings
  const owner = [url.href, inputs['client-id'] ?? '']
  const option = inputs['refresh-token']
  const context: StorageContext = {
    appName,
    signal: world.stop,
    patience: Math.max(0, deadline - world.elapsed()),
  }
  let config: StoredConfig = {}

  const saveUnsaved = async () => {
    if (memory.unsaved === undefined) return
    // The old token is spent, so the new one must be saved even if all callers have left. This signal never fires.
    await storage.saveConfig(memory.unsaved, { ...context, signal: new AbortController().signal })
    memory.unsaved = undefined
    log.debug('The token was saved in the storage.')
  }

  const store: StorageStore = {
    name: 'the storage',
    get config() {
      return config
    },
    async check() {},
    async load() {
      await saveUnsaved()
      config = ofOwner(await loadFrom(storage, context), owner)
      return {
        refreshToken: refreshTokenIn(config),
        access: accessIn(config),
        startedWith: config.startedWith,
      }
    },
    async save(tokens) {
      const { refreshToken } = tokens
      const isNewChain = refreshToken !== undefined && option !== undefined
      const started = isNewChain ? { ...config, startedWith: digest([option]) } : config
      memory.unsaved = withTokens(started, tokens, owner)
      await saveUnsaved()
    },
  }
  const { alone } = storage
  if (alone !== undefined) store.alone = (work) => workAlone(alone, context, work)
  return store
}

async function loadFrom(storage: TokenStorage, context: StorageContext): Promise<StoredConfig> {
  let loaded: unknown
  try {
    loaded = await storage.loadConfig(context)
  } catch (error) {
    if (error instanceof TokenError) throw error
    // Its message is not shown because it may contain secrets. A JSON parser, for example, quotes the text.
    throw unreadable(`loadConfig failed${codeOf(error)}`)
  }
  return readStored(loaded)
}

function ofOwner({ issuedFor, ...config }: StoredConfig, owner: readonly string[]): StoredConfig {
  if (issuedFor === undefined || issuedFor === digest(owner)) return config
  if (config.refreshToken === undefined) return {}
  throw invalid(
    'The storage contains the refresh token of another OAuth client. Using it for this one would lose that token.',
    'Use a different appName or storage for each client, or delete what is stored.',
  )
}

/** Runs the work once through `alone`, even if `alone` calls it twice or does not return its result. */
async function workAlone<T>(
  alone: NonNullable<TokenStorage['alone']>,
  context: StorageContext,
  work: () => Promise<T>,
): Promise<T> {
  const begun: Promise<T>[] = []
  await alone(context, () => {
    const result = begun[0] ?? work()
    begun[0] = result
    return result
  })
  const [result] = begun
  if (result !== undefined) return result
  throw invalid(
    'storage.alone did not call work().',
    'Call work() in it and wait for the result: alone: (context, work) => lock(() => work()).',
  )
}
