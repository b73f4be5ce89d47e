import type { CredentialKind } from '../bitbucket/credential.ts'
import type { Secret } from '../secret.ts'
import type { Run } from './credential.ts'

/** No store was named, and a new token came back: it is handed over, with the two lines that would have saved it. */
export function handOver(refreshToken: Secret, kind: CredentialKind, run: Run): void {
  const { host } = run
  const place = host.keep('refresh-token', refreshToken)
  if (kind !== 'refresh-token') {
    // Bitbucket's answer of before May 2026.
    host.log.info(`Bitbucket gave a refresh token too, which this grant does not need: it is ${place}.`)
    return
  }
  host.log.warning(
    [
      'Bitbucket gave a new refresh token, and the one you gave stops working in about ten minutes.',
      `The new one is ${place}: store it in place of the old one, or the next run will be refused.`,
      'To have that done by each run:',
      ...linesThatSave(run).map((line) => `  ${line}`),
    ].join('\n'),
  )
}

function linesThatSave({ given, hostName }: Run): readonly [string, string] {
  const saves = given.nameOf('save-refresh-token').replace(/^--.*/, 'BITBUCKET_SAVE_REFRESH_TOKEN')
  switch (hostName) {
    case 'github':
      return [
        `${saves}: github-secret`,
        `${given.nameOf('github-token')}: \${{ secrets.TOKEN_THAT_MAY_WRITE_SECRETS }}`,
      ]
    case 'pipelines':
      return [
        `${saves}: bitbucket-variable`,
        `${given.nameOf('refresh-token')}: $BITBUCKET_REFRESH_TOKEN  # a secured variable of the repository`,
      ]
    case 'gitlab':
      return [`${saves}: gitlab-variable`, `${given.nameOf('gitlab-token')}: $TOKEN_THAT_MAY_WRITE_VARIABLES`]
    default:
      return [
        `${saves}=file:/a/directory/that/stays/refresh-token`,
        `or ${saves}='command:vault kv put -mount=secret bitbucket refresh-token=-'`,
      ]
  }
}
