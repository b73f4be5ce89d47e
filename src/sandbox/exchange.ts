import type { IncomingMessage } from 'node:http'

/** A request as every surface of the sandbox gets it. */
export interface Exchange {
  req: IncomingMessage
  /** Path and query; the host part means nothing. */
  url: URL
  /** Empty for git and on the media host. */
  body: string
}
