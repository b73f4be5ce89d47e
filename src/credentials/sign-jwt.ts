import { sign } from '@tsndr/cloudflare-worker-jwt'

/** A JSON Web Token with HS256, the only algorithm of Connect. @param key the shared secret */
export function signJwt(claims: Readonly<Record<string, unknown>>, key: string): Promise<string> {
  // As a JWK, for of a plain text the library takes each character as one byte, and some words in it as a PEM file.
  return sign({ ...claims }, { kty: 'oct', k: Buffer.from(key, 'utf8').toString('base64url') })
}
