import { resolve } from 'node:path'
import { documentUrl } from '../documentation.ts'
import { TokenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { bitbucketVariable } from './bitbucket-variable.ts'
import { commandStore } from './command.ts'
import type { StoreContext, StoreToken } from './context.ts'
import { fileStore } from './file.ts'
import { githubSecret } from './github-secret.ts'
import { gitlabVariable } from './gitlab-variable.ts'
import type { StorePlace } from './place.ts'
import type { TokenStore } from './store.ts'

/**
 * Returns the store at a place.
 * @throws {TokenError} `input` if something that the store needs is missing
 */
export function openStore(place: StorePlace, context: StoreContext): TokenStore {
  switch (place.kind) {
    case 'bitbucket-variable':
      return bitbucketVariable(place, context)
    case 'github-secret':
      return githubSecret(place, required('github-token', context), context)
    case 'gitlab-variable':
      return gitlabVariable(place, required('gitlab-token', context), context)
    case 'file':
      return fileStore({
        path: resolve(context.world.cwd, place.path),
        identity: [context.url.href, context.clientId],
        world: context.world,
        timeout: context.timeout,
      })
    case 'command':
      return commandStore(place.command, context)
  }
}

function required(input: StoreToken, { tokens, nameOf }: StoreContext): Secret {
  const token = tokens[input]
  if (token !== undefined) return token
  throw new TokenError(
    'input',
    `Missing: ${nameOf(input)}.`,
    `Set it to a token that may write there. It is needed to save the refresh token: ${documentUrl('refresh-tokens.md')}`,
  )
}
