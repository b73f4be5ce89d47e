import { messageOf } from '../errors.ts'
import { createHttp, type HttpOptions } from './client.ts'
import { type Http, NoAnswer, type Transport } from './exchange.ts'

export interface OpenOptions extends Pick<HttpOptions, 'timeout' | 'retries' | 'world' | 'quote'> {
  readonly log: { debug(text: string): void; info(text: string): void }
  /** Sends each request once, in place of our own transport. */
  readonly transport?: Transport | undefined
}

/**
 * An {@link Http} that says what it does, whose deadline starts now. The transport is loaded here, after the inputs have
 * proved good: half of the start-up time is its.
 */
export async function openHttp({
  timeout,
  retries,
  world,
  log,
  quote,
  transport,
}: OpenOptions): Promise<Http> {
  const send = transport ?? (await import(/* webpackChunkName: "transport" */ './transport.ts')).send
  return createHttp({
    timeout,
    retries,
    world,
    transport: async (request, signal) => {
      const started = world.elapsed()
      const tell = (outcome: string) =>
        log.debug(
          `${request.method} ${request.url.origin}${request.url.pathname}: ${outcome} after ${Math.round(world.elapsed() - started)} ms`,
        )
      try {
        const response = await send(request, signal)
        tell(`status ${response.status}`)
        return response
      } catch (error) {
        tell(error instanceof NoAnswer ? error.message : quote(messageOf(error)))
        throw error
      }
    },
    onRetry: (line) => log.info(line),
    quote,
  })
}
