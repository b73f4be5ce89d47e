import { createHash } from 'node:crypto'
import type { Secret } from '../secret.ts'

/** Returns a SHA-256 digest that identifies the values without revealing them. */
export function digest(parts: readonly (string | Secret)[]): string {
  const values = parts.map((part) => (typeof part === 'string' ? part : part.reveal()))
  return createHash('sha256').update(JSON.stringify(values)).digest('hex')
}
