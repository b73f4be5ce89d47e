import type { Credential } from '../bitbucket/credential.ts'
import type { Secret } from '../secret.ts'
import { digest } from '../stores/digest.ts'
import type { StoredConfig } from '../stores/stored-config.ts'
import type { Settings } from './settings.ts'

/** What this process knows about one credential. Callers that give the same credential share it. */
export interface Memory {
  current?: Credential | undefined
  /** What could not be saved in the storage yet. */
  unsaved?: StoredConfig | undefined
  /** The newest refresh token, if Bitbucket has replaced the caller's. */
  newest?: Secret | undefined
  /** The last access token that Bitbucket has refused. */
  refused?: string | undefined
  /** The renewal that is running. */
  renewal?: Renewal | undefined
  /** The keys under which this entry is stored. */
  readonly keys: string[]
}

export interface Renewal {
  readonly result: Promise<Credential>
  readonly stop: AbortController
  /** How many callers wait for the result. */
  waiting: number
}

const memories = /* @__PURE__ */ new Map<string, Memory>()
const ids = /* @__PURE__ */ new WeakMap<object, number>()
let lastId = 0

/** Forgets all tokens in memory, for example between two tests. Storages keep their tokens. */
export function forgetAccessTokens(): void {
  memories.clear()
}

/** Returns the memory of the credential that a call uses. Creates it if there is none. */
export function memoryOf(settings: Settings): Memory {
  const key = keyOf(settings, settings.inputs['refresh-token'])
  const known = memories.get(key)
  if (known !== undefined) {
    // A caller that gives the newest refresh token will not give an older one again, because older ones no longer work.
    while (known.keys.at(-1) === key && known.keys.length > 1) memories.delete(known.keys.shift() ?? '')
    return known
  }
  dropExpired(settings.world.now())
  const memory: Memory = { keys: [key] }
  memories.set(key, memory)
  return memory
}

/** Stores a new refresh token, and adds a key so that callers who give it find the same memory. */
export function remember(memory: Memory, newest: Secret, settings: Settings): void {
  memory.newest = newest
  const key = keyOf(settings, newest)
  if (memory.keys.at(-1) === key || memories.get(memory.keys[0] ?? '') !== memory) return
  // Callers may give the first refresh token again and again. Those between the first and the newest were never seen by
  // callers.
  for (const between of memory.keys.splice(1)) memories.delete(between)
  memory.keys.push(key)
  memories.set(key, memory)
}

function keyOf(
  { inputs, grant, url, appName, isForced, isShared, storedBy }: Settings,
  refreshToken: Secret | undefined,
): string {
  const values = Object.values({ ...inputs, 'refresh-token': refreshToken })
  const stored = storedBy.map((one) => (one === undefined ? '' : String(idOf(one))))
  return digest([
    ...values.map((value) => value ?? ''),
    grant,
    url.href,
    appName ?? '',
    String(isForced),
    String(isShared),
    ...stored,
  ])
}

function idOf(thing: object): number {
  const known = ids.get(thing)
  if (known !== undefined) return known
  ids.set(thing, ++lastId)
  return lastId
}

/** Drops memories of expired tokens, so that a program that serves many accounts does not keep them all. */
function dropExpired(now: number): void {
  for (const [key, { current, unsaved, newest, renewal }] of memories) {
    const isOver = current?.expiresAt === undefined || current.expiresAt <= now
    if (isOver && unsaved === undefined && newest === undefined && renewal === undefined) memories.delete(key)
  }
}
