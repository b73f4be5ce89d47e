import { enableGrant } from '../bitbucket/oauth-clients.ts'
import { requestToken } from '../bitbucket/token-endpoint.ts'
import type { GrantTexts } from '../bitbucket/token-endpoint-errors.ts'
import { forIssuedTokens, issuedBearer } from './bearer.ts'
import { addScopesToClient, clientCredentials } from './client-credentials.ts'
import { defineKind } from './kind.ts'

/**
 * The refresh grant (RFC 6749, 6). Bitbucket rotates refresh tokens: each use returns a new one, and the old one works for
 * about ten minutes after its first use (git-credential-manager issue 2428). That is why a request whose answer was lost
 * is sent again: even if Bitbucket has received it, the refresh token still works until the deadline of the run.
 */
export const refreshToken = defineKind({
  kind: 'refresh-token',
  label: 'OAuth refresh token',
  inputs: {
    ...clientCredentials.inputs,
    'refresh-token': {
      type: 'text',
      secret: true,
      help: 'A refresh token of that client. Selects the refresh-token grant.',
      otherNames: ['oauthrefreshtoken'],
    },
  },
  async obtain(inputs, { http, url, now }) {
    const client = { id: inputs['client-id'], secret: inputs['client-secret'] }
    const sent = inputs['refresh-token']
    const form = sent.derive((value) =>
      new URLSearchParams({ grant_type: 'refresh_token', refresh_token: value }).toString(),
    )
    const issued = await requestToken(http, url, client, refreshTokenGrant, form)
    const isNew = issued.refreshToken !== undefined && !issued.refreshToken.equals(sent)
    return {
      ...issuedBearer('refresh-token', issued, now()),
      refreshToken: isNew ? issued.refreshToken : undefined,
    }
  },
  ...forIssuedTokens,
  adviseOnMissingScopes: () => addScopesToClient,
})

export const refreshTokenGrant: GrantTexts = {
  sends: 'refresh token or its client',
  // Refresh tokens come from this grant.
  howToEnable: enableGrant('Authorization code'),
  ifInvalid: [
    'The refresh token is no longer valid. Each use returns a new one, and Bitbucket drops the old one about ten minutes later. It also drops a refresh token that was not used for three months.',
    'Store the newest refresh token, or use client credentials, which need none.',
  ].join('\n'),
}
