import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, RequestOptions, request } from 'node:http'
import { isIP } from 'node:net'
import { HttpClient } from '@actions/http-client'
import { checkBypass } from '@actions/http-client/lib/proxy'
import { version } from '../version.ts'
import { NoAnswer, type Transport } from './exchange.ts'
import { refuseTellingNode } from './node-debug.ts'
import { isPassing } from './retry.ts'
import { untilAborted } from './until-aborted.ts'

/** The largest answer that is read, in bytes. Bitbucket's tokens are a few thousand characters. */
export const bodyLimit = 1_048_576

/**
 * One request through @actions/http-client, which finds the proxy in the environment. Its own redirects (they
 * carry a form's secrets along), retries (never for POST) and body reader (a dropped connection never settles
 * it, so node ends with 0) are left unused; `research` on each is in docs/decisions.md.
 * @throws {NoAnswer} when no whole answer came back.
 * @throws {TokenError} `input` if node is set to show what it sends
 */
export const send: Transport = async (request, signal) => {
  refuseTellingNode(process.env)
  requireReadableProxy(request.url)
  const client = new Client(`bitbucket-token/${version}`, [new AbortBy(signal)], {
    allowRedirects: false,
    allowRetries: false,
  })
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value.reveal(),
    ]),
  )
  try {
    // A request that still waits for its proxy's CONNECT has no socket that could be destroyed, so it is left behind.
    const { message } = await untilAborted(
      client.request(request.method, request.url.href, request.body?.reveal() ?? null, headers),
      signal,
    )
    const body = await readWhole(message, signal)
    return {
      status: message.statusCode ?? 0,
      headers: Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, value?.toString()]),
      ),
      body,
    }
  } catch (error) {
    throw error instanceof NoAnswer ? error : explain(error, request.url)
  } finally {
    client.dispose()
  }
}

/**
 * http-client goes around a proxy whose address it cannot read, such as `proxy:3128` without a scheme. A machine
 * that has one is meant to use it.
 */
function requireReadableProxy(url: URL): void {
  const names = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  const name = names.find((candidate) => process.env[candidate])
  if (name === undefined || checkBypass(url) || isProxyAddress(process.env[name] ?? '')) return
  throw new NoAnswer(
    `the proxy address in ${name} is not valid`,
    false,
    `Write ${name}=http://proxy.example.com:3128, or http://user:password@…, with user and password percent-encoded.`,
  )
}

function isProxyAddress(address: string): boolean {
  try {
    const { protocol, hostname, username, password } = new URL(address)
    decodeURIComponent(username + password)
    return /^https?:$/.test(protocol) && hostname !== ''
  } catch {
    return false
  }
}

/** Settles also where node closes a request without a word, as after a 101 that nobody asked for. */
class Client extends HttpClient {
  override requestRawWithCallback(...[info, data, onResult]: RawRequest): void {
    const module = info.httpModule as { request: typeof request }
    const watched = (options: RequestOptions, onResponse: (message: IncomingMessage) => void) =>
      // What has been settled before stays as it is.
      module.request(options, onResponse).once('close', () => onResult(new Error('closed without an answer')))
    // Of the module it uses nothing else.
    const httpModule = { request: watched } as unknown as typeof info.httpModule
    super.requestRawWithCallback({ ...info, httpModule }, data, onResult)
  }
}

type RawRequest = Parameters<HttpClient['requestRawWithCallback']>

/** Wins over NODE_TLS_REJECT_UNAUTHORIZED=0 and `--tls-min-v1.0` in NODE_OPTIONS, which are for other programs. */
const verified = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const

/** What node's agents and those of the package tunnel have and do not declare. */
interface AgentOptions {
  readonly options?: object
  readonly proxyOptions?: { readonly host: string; servername?: string }
}

/** Mends the options of each request: http-client has no parameters for these, but takes handlers. */
class AbortBy {
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  prepareRequest(options: RequestOptions): void {
    options.signal = this.#signal
    // It passes an IPv6 address on in the brackets of the URL, which node then looks up as a name.
    if (options.host?.startsWith('[')) options.host = options.host.slice(1, -1)
    const { agent } = options
    // An agent's options win over those of a request, and a tunnel knows no others.
    const { options: ofAgent, proxyOptions } = (agent ?? {}) as AgentOptions
    for (const one of [options, ofAgent, proxyOptions]) Object.assign(one ?? {}, verified)
    // A proxy that speaks TLS has a certificate of its own; node would expect one of the host that is asked for.
    if (proxyOptions !== undefined) proxyOptions.servername = isIP(proxyOptions.host) ? '' : proxyOptions.host
  }

  canHandleAuthentication(): boolean {
    return false
  }

  handleAuthentication(): Promise<never> {
    throw new Error('never called: canHandleAuthentication is false')
  }
}

function readWhole(message: IncomingMessage, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const fail = (error: Error) => {
      reject(error)
      message.destroy()
    }
    /** What cannot be read is no answer, but a status that says "not now" says enough without its body. */
    const unreadable = (what: string) => {
      if (isPassing(message.statusCode ?? 0)) {
        resolve('')
        message.destroy()
      } else fail(new NoAnswer(`the answer is ${what}`, false, proxyPageAdvice))
    }
    if (
      message.headers['content-encoding'] !== undefined &&
      message.headers['content-encoding'] !== 'identity'
    ) {
      unreadable('compressed, which was not requested')
      return
    }
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > bodyLimit) {
        unreadable(`larger than ${bodyLimit} bytes`)
      } else chunks.push(chunk)
    })
    message.on('end', () => {
      if (!message.complete) fail(endedEarly())
      else {
        const body = Buffer.concat(chunks)
        if (isUtf8(body)) resolve(body.toString('utf8'))
        else unreadable('not text in UTF-8')
      }
    })
    // One of these comes when the connection goes before the end does; `end` has settled all of this otherwise.
    message.on('error', () => fail(signal.aborted ? signal.reason : endedEarly()))
    message.on('aborted', () => fail(signal.aborted ? signal.reason : endedEarly()))
    message.on('close', () => fail(endedEarly()))
  })
}

const authorityAdvice =
  'If a proxy or company signs certificates itself, set NODE_EXTRA_CA_CERTS=/path/to/ca.pem so that node trusts its CA.'

const endedEarly = () => new NoAnswer('the connection ended in the middle of the answer', true, networkAdvice)

const networkAdvice =
  'Check that this machine can reach the address. If it needs a proxy, set HTTPS_PROXY (and NO_PROXY).'
const proxyPageAdvice =
  'A proxy, firewall or login page between this machine and Bitbucket may have answered instead.'

function explain(error: unknown, url: URL): NoAnswer {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  // tunnel (inside http-client) tells a proxy's refusal only in its message: "…, statusCode=407".
  const proxyStatus = /tunneling socket could not be established, statusCode=(\d+)/.exec(message)?.[1]
  if (proxyStatus !== undefined) {
    return new NoAnswer(
      `the proxy refused the connection to ${url.host} with status ${proxyStatus}`,
      Number(proxyStatus) >= 500,
      // tinyproxy says 407 to no password, and 401 to a wrong one.
      proxyStatus === '407' || proxyStatus === '401'
        ? 'The proxy requires a user name and password. Set HTTPS_PROXY=http://user:password@proxy:port, percent-encoded.'
        : `Allow ${url.host} in the proxy, or add it to NO_PROXY.`,
      error,
    )
  }
  if (/tunneling socket could not be established, cause=.*(certificate|altnames)/.test(message)) {
    return new NoAnswer('the certificate of the proxy was not accepted', false, authorityAdvice, error)
  }
  const proxyCause = /tunneling socket could not be established, cause=.*?\b(E[A-Z]+)\b/.exec(message)?.[1]
  if (proxyCause !== undefined) {
    return new NoAnswer(
      `the proxy could not be reached (${proxyCause})`,
      true,
      'Check HTTPS_PROXY and HTTP_PROXY.',
      error,
    )
  }
  if (/^(CERT_|ERR_TLS_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/.test(code)) {
    return new NoAnswer(
      `the certificate of ${url.host} was not accepted (${code})`,
      false,
      authorityAdvice,
      error,
    )
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new NoAnswer(
      `the name ${url.hostname} could not be resolved (${code})`,
      true,
      networkAdvice,
      error,
    )
  }
  return new NoAnswer(
    code === '' ? `the connection to ${url.host} failed` : `the connection to ${url.host} failed (${code})`,
    true,
    networkAdvice,
    error,
  )
}
