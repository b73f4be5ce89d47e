import { messageOf } from '../errors.ts'
import { createHttp, type HttpOptions } from './client.ts'
import { type Http, NoAnswer, type Transport } from './exchange.ts'

export interface OpenOptions extends Pick<HttpOptions, 'timeout' | 'retries' | 'world' | 'quote'> {
  readonly log: { debug(text: string): void; info(text: string): void }
  /** Sends each request once, instead of the default transport. */
  readonly transport?: Transport | undefined
}

/**
 * Creates an {@link Http} that logs its requests and whose deadline starts now. Loads the transport only here, after
 * the inputs were checked, because it takes half of the start-up time.
 */
export async function openHttp({
  timeout,
  retries,
  world,
  log,
  quote,
  transport,
}: OpenOptions): Promise<Http> {
  const send = transport ?? (await import('./transport.ts')).send
  return createHttp({
    timeout,
    retries,
    world,
    transport: async (request, signal) => {
      const started = world.elapsed()
      const logOutcome = (outcome: string) =>
        log.debug(
          `${request.method} ${request.url.origin}${request.url.pathname}: ${outcome} after ${Math.round(world.elapsed() - started)} ms`,
        )
      try {
        const response = await send(request, signal)
        logOutcome(`status ${response.status}`)
        return response
      } catch (error) {
        logOutcome(error instanceof NoAnswer ? error.message : quote(messageOf(error)))
        throw error
      }
    },
    onRetry: (line) => log.info(line),
    quote,
  })
}
