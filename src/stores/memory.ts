import { isFresh } from '../bitbucket/credential.ts'
import type { World } from '../world.ts'
import type { CachedToken, TokenCache } from './token-cache.ts'

/** Creates a token cache that only this process has. */
export function tokenCacheInMemory(first: CachedToken, { now }: Pick<World, 'now'>): TokenCache {
  let cached = first
  let renewal: Promise<CachedToken> | undefined
  const peek = () => (isFresh(cached, now()) ? cached : undefined)
  return {
    peek,
    async get(renew) {
      const valid = peek()
      if (valid !== undefined) return valid
      const before = cached.refreshToken
      renewal ??= renew(before)
        .then((token) => {
          cached = { ...token, refreshToken: token.refreshToken ?? before }
          return cached
        })
        .finally(() => {
          renewal = undefined
        })
      return renewal
    },
    async forget(token) {
      if (cached.token.equals(token)) cached = { ...cached, expiresAt: 0 }
    },
  }
}
