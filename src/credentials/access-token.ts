import { bearer } from './bearer.ts'
import type { KindDefinition } from './kind.ts'

/**
 * A repository, project or workspace access token, used as it is. Its settings page shows the date on which it expires
 * (Atlassian support: "Require access token expiry"), but no API returns it.
 */
export const accessToken: KindDefinition<'access-token'> = {
  kind: 'access-token',
  label: 'access token',
  inputs: ['access-token'],
  isIssued: false,
  renewal:
    'Create a new access token with the same scopes in the settings of its repository, project or workspace → Access tokens.',
  async obtain({ 'access-token': secret }) {
    return bearer('access-token', secret)
  },
  adviseOnMissingScopes: () =>
    "An access token's scopes cannot be changed: create a new token that has them.",
}
