import { opts } from './values.ts'

/** Returns the Authorization header of HTTP Basic (RFC 7617). Default: of the consumer that `mock` knows. */
export function basicAuth(user?: string | null, password?: string | null): string {
  const pair = `${user ?? opts.valid.clientId}:${password ?? opts.valid.clientSecret}`
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
}
