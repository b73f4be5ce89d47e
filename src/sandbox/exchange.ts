import type { IncomingMessage } from 'node:http'

/** A request as every handler of the sandbox gets it. */
export interface Exchange {
  req: IncomingMessage
  /** Path and query. The host has no meaning. */
  url: URL
  /** Empty for git and on the media host. */
  body: string
}
