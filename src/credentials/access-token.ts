import type { AccessToken } from '../bitbucket/credential.ts'
import { bearer } from './bearer.ts'
import type { GivenCredential } from './choose.ts'

/** A repository, project or workspace access token, used as it is. */
export function fromAccessToken(given: GivenCredential & { kind: 'access-token' }): AccessToken {
  return bearer(given.kind, given.accessToken)
}
