import type { Credential } from '../bitbucket/credential.ts'
import type { Secret } from '../secret.ts'
import { digest } from '../stores/digest.ts'
import type { Settings } from './settings.ts'
import type { StoredConfig } from './storage.ts'

/** What this process knows of one credential. Callers that give the same share it. */
export interface Memory {
  current: Credential | undefined
  /** What the storage should hold, but does not. */
  unsaved: StoredConfig | undefined
  /** The newest refresh token, where Bitbucket has replaced the one that was given. */
  newest: Secret | undefined
  /** The access token that Bitbucket has refused last. */
  refused: string | undefined
  /** A renewal that is under way. */
  renewal: Renewal | undefined
  /** Under which it is found. */
  readonly keys: string[]
}

export interface Renewal {
  readonly result: Promise<Credential>
  readonly stop: AbortController
  waiting: number
}

const memories = /* @__PURE__ */ new Map<string, Memory>()
const ids = /* @__PURE__ */ new WeakMap<object, number>()
let lastId = 0

/** Drops every token that is kept in memory, as a test between two cases may want. What is in a storage stays. */
export function forgetAccessTokens(): void {
  memories.clear()
}

/** What is known of the credential of a call. */
export function memoryOf(settings: Settings): Memory {
  const key = keyOf(settings, settings.inputs['refresh-token'])
  const known = memories.get(key)
  if (known !== undefined) {
    // Who gives the newest refresh token will not come back with one that is dead.
    while (known.keys.at(-1) === key && known.keys.length > 1) memories.delete(known.keys.shift() ?? '')
    return known
  }
  dropEnded(settings.world.now())
  const memory: Memory = {
    current: undefined,
    unsaved: undefined,
    newest: undefined,
    refused: undefined,
    renewal: undefined,
    keys: [key],
  }
  memories.set(key, memory)
  return memory
}

/** The credential is also found by the refresh token that took the place of another. */
export function remember(memory: Memory, newest: Secret, settings: Settings): void {
  memory.newest = newest
  const key = keyOf(settings, newest)
  if (memory.keys.at(-1) === key || memories.get(memory.keys[0] ?? '') !== memory) return
  // The first is what the caller gives again and again; of those between, nobody knows.
  for (const between of memory.keys.splice(1)) memories.delete(between)
  memory.keys.push(key)
  memories.set(key, memory)
}

function keyOf(
  { inputs, grant, url, appName, isForced, storedBy }: Settings,
  refreshToken: Secret | undefined,
): string {
  const given = Object.values({ ...inputs, 'refresh-token': refreshToken })
  const stored = storedBy.map((one) => (one === undefined ? '' : String(idOf(one))))
  return digest([
    ...given.map((value) => value ?? ''),
    grant,
    url.href,
    appName ?? '',
    String(isForced),
    ...stored,
  ])
}

function idOf(thing: object): number {
  const known = ids.get(thing)
  if (known !== undefined) return known
  ids.set(thing, ++lastId)
  return lastId
}

/** A program that serves many accounts must not keep them all. */
function dropEnded(now: number): void {
  for (const [key, { current, unsaved, newest, renewal }] of memories) {
    const isOver = current?.expiresAt === undefined || current.expiresAt <= now
    if (isOver && unsaved === undefined && newest === undefined && renewal === undefined) memories.delete(key)
  }
}
