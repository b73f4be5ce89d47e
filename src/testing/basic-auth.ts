import { opts } from './values.ts'

/** Returns an Authorization header for HTTP Basic (RFC 7617). The default is the OAuth client that `mock` accepts. */
export function basicAuth(user?: string | null, password?: string | null): string {
  const pair = `${user ?? opts.valid.clientId}:${password ?? opts.valid.clientSecret}`
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
}
