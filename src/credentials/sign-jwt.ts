import { sign } from '@tsndr/cloudflare-worker-jwt'

/**
 * Returns a JSON Web Token signed with HS256, the only algorithm of Connect.
 * @param key the shared secret
 */
export function signJwt(claims: Readonly<Record<string, unknown>>, key: string): Promise<string> {
  // As a JWK, because the library would take each character of a plain text as one byte, and some texts as a PEM file.
  return sign({ ...claims }, { kty: 'oct', k: Buffer.from(key, 'utf8').toString('base64url') })
}
