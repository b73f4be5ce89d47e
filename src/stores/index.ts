import { resolve } from 'node:path'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { StorePlace } from './place.ts'
import type { Store } from './store.ts'

/** What the stores work with. */
export interface StoreContext {
  readonly world: World
  readonly http: Http
  /** Takes whole secrets out of a text. */
  readonly clean: (text: string) => string
  /** Makes a program's words ready for a log: see `Redactor.quote`. */
  readonly quote: (text: string) => string
  /** Milliseconds to wait for another run. */
  readonly patience: number
  readonly url: URL
  readonly apiUrl: URL
  readonly clientId: string
  /** `workspace/slug`, where it was given. */
  readonly repository: string | undefined
  readonly githubToken: Secret | undefined
  readonly gitlabToken: Secret | undefined
  /** How to name an input to the person who gave it. */
  readonly nameOf: (input: 'repository' | 'github-token' | 'gitlab-token') => string
}

/**
 * Loads one store, and no other's code.
 * @throws {TokenError} `input` where something that it needs was not given
 */
export async function openStore(place: StorePlace, context: StoreContext): Promise<Store> {
  const { world, http, clean, quote } = context
  switch (place.kind) {
    case 'bitbucket-variable':
      return (await import(/* webpackChunkName: "stores" */ './bitbucket-variable.ts')).bitbucketVariable(
        place,
        context,
      )
    case 'github-secret':
      return (await import(/* webpackChunkName: "stores" */ './github-secret.ts')).githubSecret(place, {
        http,
        env: world.env,
        token: required(context.githubToken, 'github-token', context),
      })
    case 'gitlab-variable':
      return (await import(/* webpackChunkName: "stores" */ './gitlab-variable.ts')).gitlabVariable(place, {
        http,
        env: world.env,
        token: required(context.gitlabToken, 'gitlab-token', context),
      })
    case 'file':
      return (await import(/* webpackChunkName: "stores" */ './file.ts')).fileStore({
        path: resolve(world.cwd, place.path),
        identity: [context.url.href, context.clientId],
        world,
        patience: context.patience,
      })
    case 'command':
      return (await import(/* webpackChunkName: "stores" */ './command.ts')).commandStore(place.command, {
        world,
        clean,
        quote,
      })
  }
}

function required(
  token: Secret | undefined,
  input: 'github-token' | 'gitlab-token',
  { nameOf }: StoreContext,
): Secret {
  if (token !== undefined) return token
  throw new TokenError(
    'input',
    `Missing: ${nameOf(input)}.`,
    'Saving the refresh token there needs a token that may do so (docs/refresh-tokens.md).',
  )
}
