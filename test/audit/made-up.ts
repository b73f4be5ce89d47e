/** Returns a generator of pseudo-random numbers that are the same in every run (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Returns random letters and digits. */
export function letters(random: () => number, length: number): string {
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
}

const random = chance(2026)

/** Secrets of every kind. They are made here, so that no file of this repository contains one. */
export const secrets = {
  appPassword: `ATBB${letters(random, 24)}7Qx21D2D`,
  apiToken: `ATATT3xFfGF0${letters(random, 171)}=1A2B3C4D`,
  accessToken: `ATCTT3xFfGN0${letters(random, 171)}=5E6F7A8B`,
  oauthToken: `${letters(random, 60)}.${letters(random, 2300)}.${letters(random, 342)}`,
  clientSecret: letters(random, 76),
  password: `c0rrect-${letters(random, 12)}`,
  npmToken: letters(random, 36),
} as const
