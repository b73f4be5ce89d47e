import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, RequestOptions, request } from 'node:http'
import { isIP } from 'node:net'
import { HttpClient } from '@actions/http-client'
import { checkBypass } from '@actions/http-client/lib/proxy'
import { systemCode } from '../errors.ts'
import { revealed } from '../secret.ts'
import { version } from '../version.ts'
import { maxAnswerBytes, NoAnswer, type Transport } from './exchange.ts'
import { refuseLeakyNodeSettings } from './node-debug.ts'
import { isTransient } from './retry.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * Sends one request through @actions/http-client, which finds the proxy in the environment. Does not use its redirects
 * (they would send a form's secrets on), its retries (it never retries a POST) or its body reader (after a dropped
 * connection its promise never ends, so node exits with 0). docs/decisions.md has the details.
 * @throws {NoAnswer} if no complete answer arrived
 * @throws {TokenError} `input` if node's settings would print or leak what it sends
 */
export const send: Transport = async (request, signal) => {
  refuseLeakyNodeSettings(process.env)
  requireValidProxy(request.url)
  const client = new Client(`bitbucket-token/${version}`, [new OptionsHandler(signal)], {
    allowRedirects: false,
    allowRetries: false,
  })
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, revealed(value)]),
  )
  try {
    // An abort cannot stop a request that still waits for its proxy's CONNECT, because it has no socket yet.
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
 * Rejects a proxy address that http-client cannot read, such as `proxy:3128` without a scheme. http-client would
 * connect without the proxy.
 */
function requireValidProxy(url: URL): void {
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
    const { protocol, username, password } = new URL(address)
    decodeURIComponent(username + password)
    return /^https?:$/.test(protocol)
  } catch {
    return false
  }
}

/** An HttpClient that also settles if node closes a request without an answer, as after an unexpected 101. */
class Client extends HttpClient {
  override requestRawWithCallback(...[info, data, onResult]: RawRequest): void {
    const module = info.httpModule as { request: typeof request }
    const watched = (options: RequestOptions, onResponse: (message: IncomingMessage) => void) =>
      // Only the first result counts.
      module.request(options, onResponse).once('close', () => onResult(new Error('closed without an answer')))
    // HttpClient uses only `request` of this module.
    const httpModule = { request: watched } as unknown as typeof info.httpModule
    super.requestRawWithCallback({ ...info, httpModule }, data, onResult)
  }
}

type RawRequest = Parameters<HttpClient['requestRawWithCallback']>

/**
 * Overrides NODE_TLS_REJECT_UNAUTHORIZED=0 and `--tls-min-v1.0` in NODE_OPTIONS, which are meant for other programs.
 */
const strictTls = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const

/** Properties of node's agents and of the agents of the package tunnel that their types do not declare. */
interface AgentOptions {
  readonly options?: object
  readonly proxyOptions?: { readonly host: string; servername?: string }
}

/** Adjusts the options of each request. http-client has no parameters for them, but it calls handlers. */
class OptionsHandler {
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  prepareRequest(options: RequestOptions): void {
    options.signal = this.#signal
    // http-client leaves an IPv6 address in the brackets of the URL, and node would look that up as a name.
    if (options.host?.startsWith('[')) options.host = options.host.slice(1, -1)
    const { agent } = options
    // An agent's options override those of the request, and a tunnel reads only its agent's options.
    const { options: ofAgent, proxyOptions } = (agent ?? {}) as AgentOptions
    for (const one of [options, ofAgent, proxyOptions]) Object.assign(one ?? {}, strictTls)
    // A TLS proxy has its own certificate. Node would expect the certificate of the requested host.
    if (proxyOptions !== undefined) proxyOptions.servername = isIP(proxyOptions.host) ? '' : proxyOptions.host
  }

  canHandleAuthentication(): boolean {
    return false
  }

  handleAuthentication(): Promise<never> {
    throw new Error('unreachable: canHandleAuthentication is false')
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
    const failIncomplete = () => fail(signal.aborted ? signal.reason : endedEarly())
    /** Fails for a body that cannot be read. A transient status needs no body, because it leads to a retry anyway. */
    const unreadable = (what: string) => {
      if (isTransient(message.statusCode ?? 0)) {
        resolve('')
        message.destroy()
      } else fail(new NoAnswer(`the answer is ${what}`, false, proxyPageAdvice))
    }
    if ((message.headers['content-encoding'] ?? 'identity') !== 'identity') {
      unreadable('compressed, which was not requested')
      return
    }
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxAnswerBytes) unreadable(`larger than ${maxAnswerBytes} bytes`)
      else chunks.push(chunk)
    })
    message.on('end', () => {
      const body = Buffer.concat(chunks)
      if (!message.complete) failIncomplete()
      else if (isUtf8(body)) resolve(body.toString('utf8'))
      else unreadable('not text in UTF-8')
    })
    // If the connection closes before the end, one of these events follows. After `end` they change nothing.
    for (const event of ['error', 'aborted', 'close']) message.on(event, failIncomplete)
  })
}

const authorityAdvice =
  'If a proxy or company signs certificates itself, set NODE_EXTRA_CA_CERTS=/path/to/ca.pem so that node trusts its CA.'

const clockAdvice =
  'Set the clock of this machine (NTP), because Bitbucket renews its certificate in time. ' +
  'If the clock is right, a proxy or company uses a certificate that is not valid at this time.'

const endedEarly = () => new NoAnswer('the connection ended in the middle of the answer', true, networkAdvice)

const networkAdvice =
  'Check that this machine can reach the address. If it needs a proxy, set HTTPS_PROXY (and NO_PROXY).'
const proxyPageAdvice =
  'A proxy, firewall or login page between this machine and Bitbucket may have answered instead.'

/** What an error means. */
interface Explanation {
  /** Matches node's error code, or what tunnel says about the proxy. */
  readonly pattern: RegExp
  /** @param detail the first group of the pattern */
  readonly message: (detail: string) => string
  readonly isTransient?: true
  readonly nextStep: string
}

/** Returns the errors of requests to a URL. The first match counts. */
function explanations({ host, hostname }: URL): Explanation[] {
  const proxyRefused = (status: string) => `the proxy refused the connection to ${host} with status ${status}`
  const allowInProxy = `Allow ${host} in the proxy, or add it to NO_PROXY.`
  const certificateRefused = (code: string) => `the certificate of ${host} was not accepted (${code})`
  return [
    {
      // tinyproxy answers 407 if the password is missing, and 401 if it is wrong.
      pattern: /^statusCode=(40[17])/,
      message: proxyRefused,
      nextStep:
        'The proxy requires a user name and password. Set HTTPS_PROXY=http://user:password@proxy:port, percent-encoded.',
    },
    { pattern: /^statusCode=([5-9]\d\d)/, message: proxyRefused, isTransient: true, nextStep: allowInProxy },
    { pattern: /^statusCode=(\d+)/, message: proxyRefused, nextStep: allowInProxy },
    {
      pattern: /^cause=.*(?:certificate|altnames)/,
      message: () => 'the certificate of the proxy was not accepted',
      nextStep: authorityAdvice,
    },
    {
      pattern: /^cause=.*?\bEPROTO\b/,
      message: () => 'the proxy does not speak TLS',
      nextStep:
        'Write http:// instead of https:// in HTTPS_PROXY. The connection to Bitbucket is encrypted all the same.',
    },
    {
      pattern: /^cause=.*?\b(E[A-Z]+)\b/,
      message: (code) => `the proxy could not be reached (${code})`,
      isTransient: true,
      nextStep: 'Check HTTPS_PROXY and HTTP_PROXY.',
    },
    {
      pattern: /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
      message: certificateRefused,
      nextStep: clockAdvice,
    },
    {
      pattern: /^((?:CERT_|ERR_TLS_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH).*)/,
      message: certificateRefused,
      nextStep: authorityAdvice,
    },
    {
      pattern: /^(ENOTFOUND|EAI_AGAIN)$/,
      message: (code) => `the name ${hostname} could not be resolved (${code})`,
      isTransient: true,
      nextStep: networkAdvice,
    },
  ]
}

function explain(error: unknown, url: URL): NoAnswer {
  const code = systemCode(error) ?? ''
  // tunnel (inside http-client) reports a proxy's refusal only in its message: "…, statusCode=407".
  const proxyFailure = /tunneling socket could not be established, (.*)/.exec(
    error instanceof Error ? error.message : String(error),
  )?.[1]
  for (const { pattern, message, isTransient = false, nextStep } of explanations(url)) {
    const found = pattern.exec(proxyFailure ?? code)
    if (found !== null) return new NoAnswer(message(found[1] ?? ''), isTransient, nextStep, error)
  }
  return new NoAnswer(
    `the connection to ${url.host} failed${code === '' ? '' : ` (${code})`}`,
    true,
    networkAdvice,
    error,
  )
}
