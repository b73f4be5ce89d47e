import { bearer } from './bearer.ts'
import type { KindDefinition } from './kind.ts'

/** A repository, project or workspace access token, used as it is. */
export const accessToken: KindDefinition<'access-token'> = {
  kind: 'access-token',
  label: 'access token',
  inputs: ['access-token'],
  isIssued: false,
  async obtain({ 'access-token': secret }) {
    return bearer('access-token', secret)
  },
  adviseOnMissingScopes: () =>
    "An access token's scopes cannot be changed: create a new token that has them.",
}
