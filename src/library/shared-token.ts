import type { Credential } from '../bitbucket/credential.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { definitionOfKind } from '../credentials/index.ts'
import { cachedOf, credentialOf, identityOf } from '../credentials/shared-token.ts'
import { type BrokerClient, brokerClient } from '../exec/broker-client.ts'
import type { Secret } from '../secret.ts'
import { cacheDirectories } from '../stores/cache-directory.ts'
import { tokenCache } from '../stores/token-cache.ts'
import type { Settings } from './settings.ts'

/**
 * Returns the token that the processes of this user share with the command line: inside `exec` that of its broker, otherwise
 * that of the cache of `git-credential` and `print --reuse`.
 * @param refused is never returned
 * @param obtain gets a new token; its argument is the newest refresh token, if Bitbucket has replaced the caller's. It is
 * also called for a token that the user made, because that needs no cache.
 */
export async function sharedToken(
  settings: Settings,
  refused: Secret | undefined,
  obtain: (newest?: Secret) => Promise<Credential>,
): Promise<Credential> {
  const { inputs, grant, source, url, world } = settings
  const broker = brokerOf(settings)
  if (broker !== undefined) return broker.token(refused)
  const { chosen } = chooseCredential(inputs, grant, source)
  if (!definitionOfKind(chosen.kind).isIssued) return obtain()
  const cache = tokenCache({
    directories: cacheDirectories(world),
    identity: identityOf(chosen, { url, scopes: [] }),
    world,
    timeout: timeLeft(settings),
  })
  if (refused !== undefined) await cache.forget(refused)
  let issued: Credential | undefined
  const cached = await cache.get(async (newest) => {
    issued = await obtain(newest)
    return cachedOf(issued, world)
  })
  return issued ?? { ...credentialOf(chosen.kind, cached, world), refreshToken: cached.refreshToken }
}

/** Returns the client of `exec`, whose credential is that of the environment. Options that name another one overrule it. */
function brokerOf(settings: Settings): BrokerClient | undefined {
  const { env, grant, source, world, log, redactor } = settings
  if (source.from !== 'variables' || grant !== 'auto') return undefined
  return brokerClient(env, {
    world,
    log,
    quote: (text) => redactor.quote(text),
    timeout: () => Math.max(1, timeLeft(settings)),
    hide(secrets: readonly Secret[]) {
      for (const secret of secrets) redactor.add(secret)
    },
  })
}

const timeLeft = ({ deadline, world }: Settings): number => Math.max(0, deadline - world.elapsed())
