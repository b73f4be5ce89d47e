import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contestant } from './measure.ts'

/** Published libraries. Each gets the few lines that its documentation shows for the client-credentials grant. */
const peers = {
  'simple-oauth2': `
    import { ClientCredentials } from 'simple-oauth2'
    const auth = { tokenHost: url, tokenPath: '/site/oauth2/access_token' }
    const { token } = await new ClientCredentials({ client: { id, secret }, auth }).getToken({})
    const { access_token } = token`,
  oauth4webapi: `
    import * as oauth from 'oauth4webapi'
    const server = { issuer: url, token_endpoint: url + '/site/oauth2/access_token' }
    const client = { client_id: id }
    const authenticate = oauth.ClientSecretBasic(secret)
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authenticate, {})
    const { access_token } = await oauth.processClientCredentialsResponse(server, client, answer)`,
  'openid-client': `
    import * as openid from 'openid-client'
    const server = { issuer: url, token_endpoint: url + '/site/oauth2/access_token' }
    const config = new openid.Configuration(server, id, secret, openid.ClientSecretBasic(secret))
    const { access_token } = await openid.clientCredentialsGrant(config)`,
}

/** Installs the peers from the npm registry into `directory`. They only get the token, without masks, files or outputs. */
export function installPeers(directory: string, env: Contestant['env']): [string, Contestant][] {
  const names = Object.keys(peers)
  writeFileSync(join(directory, 'package.json'), '{"private":true}')
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  execFileSync('npm', ['install', ...quietly, ...names], { cwd: directory, stdio: 'inherit' })
  return Object.entries(peers).map(([name, code]) => {
    const file = join(directory, `${name}.mjs`)
    const given = `const { INPUT_URL: url, 'INPUT_CLIENT-ID': id, 'INPUT_CLIENT-SECRET': secret } = process.env`
    writeFileSync(file, `${given}\n${code}\nif (!access_token) process.exit(1)\n`)
    return [name, { args: [file], env, status: 0 }]
  })
}
