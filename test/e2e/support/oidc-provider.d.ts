/** The part of oidc-provider that the tests use. The package has no types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  interface Context {
    readonly path: string
    query: Record<string, unknown>
  }

  interface Issued {
    find(token: string): Promise<object | undefined>
  }

  export default class Provider {
    readonly AccessToken: Issued
    readonly ClientCredentials: Issued
    constructor(issuer: string, configuration: object)
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void
    callback(): RequestListener
  }
}
