import { opts } from './values.ts'

/** The Authorization header of HTTP Basic (RFC 7617). Default: of the consumer that `mock` knows. */
export function basicAuth(
  user: string = opts.valid.clientId,
  password: string = opts.valid.clientSecret,
): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}
