import type { Secret } from '../secret.ts'

/** An OAuth client. Until 2026 Bitbucket called it a consumer, and its ID the key. */
export interface Client {
  readonly id: string
  readonly secret: Secret
}

/** A Connect app, which authenticates with a signed JWT instead of a secret. */
export interface SignedApp {
  readonly jwt: Secret
}
