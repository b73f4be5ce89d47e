import { createHmac } from 'node:crypto'
import type { Accounts, ConnectApp } from './accounts.ts'
import { parseJson } from './exchange.ts'

/** How far an app's clock may be ahead, in seconds. Bitbucket does not document what it allows. */
const leeway = 30

/** Returns the Connect app that signed a JWT, if the JWT is valid now (RFC 7519, RFC 7515). */
export function signerOf(jwt: string, accounts: Accounts): ConnectApp | undefined {
  const [head, body, signature, ...rest] = jwt.split('.')
  const header = readPart(head)
  const claims = readPart(body)
  if (rest.length > 0 || header['alg'] !== 'HS256') return undefined

  const app = accounts.connectApp(String(claims['sub']))
  if (app === undefined || claims['iss'] !== app.appKey) return undefined
  const expected = createHmac('sha256', app.sharedSecret).update(`${head}.${body}`).digest('base64url')
  if (signature !== expected) return undefined

  const now = accounts.now() / 1000
  return Number(claims['iat']) <= now + leeway && now < Number(claims['exp']) ? app : undefined
}

const readPart = (part = '') => parseJson(Buffer.from(part, 'base64url').toString('utf8'))
