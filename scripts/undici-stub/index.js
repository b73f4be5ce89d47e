/** Replaces undici: see README.md. */
export class ProxyAgent {
  constructor() {
    throw new Error('this program does not contain undici: see scripts/undici-stub/README.md')
  }
}
