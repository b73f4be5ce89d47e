import type { Credential } from '../bitbucket/credential.ts'
import { spendsRefreshToken } from '../credentials/index.ts'
import type { Run } from '../run.ts'

/**
 * Hands over a new refresh token for which no store was named, and shows the two lines that would save it. Call it at once,
 * because the old one soon stops working.
 */
export function handOverUnsavedToken({ refreshToken, kind }: Credential, run: Run): void {
  if (refreshToken === undefined) return
  const { host } = run
  const place = host.keep('refresh-token', refreshToken)
  if (!spendsRefreshToken(kind)) {
    // Before May 2026 Bitbucket also returned one for client credentials.
    host.log.info(`Bitbucket also returned a refresh token, which this grant does not need. It is ${place}.`)
    return
  }
  host.log.warning(
    [
      'Bitbucket returned a new refresh token. The one that you gave stops working in about ten minutes.',
      `The new one is ${place}. Replace the old one with it, or Bitbucket will refuse the next run.`,
      'To save it in each run, add:',
      ...linesThatSave(run).map((line) => `  ${line}`),
    ].join('\n'),
  )
}

function linesThatSave({ rawInputs, hostName }: Run): readonly [string, string] {
  const saves = rawInputs.nameOf('save-refresh-token').replace(/^--.*/, 'BITBUCKET_SAVE_REFRESH_TOKEN')
  switch (hostName) {
    case 'github':
      return [
        `${saves}: github-secret`,
        `${rawInputs.nameOf('github-token')}: \${{ secrets.TOKEN_THAT_MAY_WRITE_SECRETS }}`,
      ]
    case 'pipelines':
      return [
        `${saves}: bitbucket-variable`,
        `${rawInputs.nameOf('refresh-token')}: $BITBUCKET_REFRESH_TOKEN  # a secured variable of the repository`,
      ]
    case 'gitlab':
      return [
        `${saves}: gitlab-variable`,
        `${rawInputs.nameOf('gitlab-token')}: $TOKEN_THAT_MAY_WRITE_VARIABLES`,
      ]
    default:
      return [
        `${saves}=file:/a/directory/that/stays/refresh-token`,
        `or ${saves}='command:vault kv put -mount=secret bitbucket refresh-token=-'`,
      ]
  }
}
