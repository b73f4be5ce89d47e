import type { GrantContext } from '../credentials/kind.ts'
import { loadTlsEarly, openHttp } from '../http/client.ts'
import type { Http } from '../http/exchange.ts'
import { hide } from '../masking.ts'
import type { Run } from '../run.ts'
import { encodedForms, Secret } from '../secret.ts'
import { announce, announceCertificateCheck } from './announcements.ts'

/**
 * Returns a client that sends requests to Bitbucket and to the services of stores. It logs an unusual host before it sends a
 * secret there.
 * @param timeout milliseconds for all requests together, from now on
 */
export async function httpFor(run: Run, timeout = run.inputs().timeout * 1_000): Promise<Http> {
  const { world, host, redactor } = run
  const { url, 'api-url': apiUrl, retries } = run.inputs()
  loadTlsEarly(url, apiUrl)
  const quote = (text: string) => redactor.quote(text)
  const http = await openHttp({ timeout, retries, world, log: host.log, quote })
  return (request) => {
    const isSecret =
      request.body !== undefined || Object.values(request.headers).some((value) => value instanceof Secret)
    if (isSecret) announce([request.url.origin], run)
    if (request.url.protocol === 'https:') announceCertificateCheck(run)
    return http(request)
  }
}

/** Returns what a grant needs from a run. */
export const grantContext = (http: Http, run: Run): GrantContext => ({
  http,
  url: run.inputs().url,
  scopes: run.inputs().scopes,
  now: run.world.now,
  hide: (secret) => hide(encodedForms(secret), run),
  warn: (text) => run.host.log.warning(text),
})
