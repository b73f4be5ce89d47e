/**
 * Every fault that a server, a network or something in between can show, and what the program makes of it. The test
 * plays each row against the built program; test/faults/README.md shows the same rows.
 */
import { gzipSync } from 'node:zlib'
import { type Exchange, goodAnswer, type Misbehaviour, message } from './server.ts'

/**
 * - `done`: harmless; the credential is handed over after one try
 * - `retried`: another try may succeed; exit status 5 when the tries or the time are used up
 * - `refused`: Bitbucket refused the credential; exit status 3, no retry
 * - `unreadable`: the credential is good, but may not read the repository; exit status 4, no retry
 * - `denied`: the credential is good, but Bitbucket does not serve it, for example because the workspace's plan has ended;
 *   exit status 4, no retry
 * - `unusable`: retrying will not help; exit status 5, no retry
 */
export type Outcome = 'done' | 'retried' | 'refused' | 'unreadable' | 'denied' | 'unusable'

/** Where a fault occurs: at the token endpoint, or when the REST API is asked for the account or the repository. */
export type Endpoint = 'token' | 'account' | 'repository'

export interface Fault extends Misbehaviour {
  readonly name: string
  readonly outcomes: Readonly<Record<Endpoint, Outcome>>
  /** What the message says if the fault ends the run. */
  readonly says: RegExp
  /** The host that the program looks up, and the address that a faulty lookup returns; see lookups.mjs. */
  readonly lookups?: { readonly host: string; readonly faulty: string }
  /** Serves the good tries of this row over TLS, with a certificate of the tests' authority for this name. */
  readonly overTls?: 'loopback' | 'bitbucket.invalid'
  /** The certificate of the faulty try, which fixture.ts makes. */
  readonly certificate?: 'unknown authority' | 'expired' | 'other name' | 'good'
}

export interface Group {
  readonly title: string
  readonly rows: readonly Fault[]
  /** The program treats all rows alike, so each kind of credential meets each row in one mode only, in turns. */
  readonly areAlike?: true
}

/** One outcome for all endpoints, one each for the token endpoint and the REST API, or one for each endpoint. */
type Outcomes = Outcome | readonly [token: Outcome, account: Outcome, repository?: Outcome]

type Row = readonly [
  name: string,
  outcomes: Outcomes,
  says: RegExp,
  act: (exchange: Exchange) => void,
  further?: Partial<Fault>,
]

const row = ([name, outcomes, says, onRequest, further]: Row): Fault => ({
  name,
  outcomes: atEach(outcomes),
  says,
  onRequest,
  ...further,
})

function atEach(outcomes: Outcomes): Fault['outcomes'] {
  const [token, account, repository = account] =
    typeof outcomes === 'string' ? [outcomes, outcomes] : outcomes
  return { token, account, repository }
}

const json = 'Content-Type: application/json'
const ok = 'HTTP/1.1 200 OK'
const lengthOf = (body: string | Buffer) => `Content-Length: ${Buffer.byteLength(body)}`

const cut = /the connection ended in the middle of the answer/
const failed = /the connection to \S+ failed/
const late = /no answer within/
const notDue = /answered with status \d+(,| and) .*(instead of|issued no usable token)/
const never = /(?!)/

/** Writes these bytes, then ends or resets the connection, or leaves it open. */
const sends =
  (bytes: (exchange: Exchange) => string | Buffer, then: 'end' | 'reset' | 'silence' = 'end') =>
  (exchange: Exchange) => {
    const { socket } = exchange
    socket.write(bytes(exchange), () => {
      if (then === 'end') socket.end()
      if (then === 'reset') reset(socket)
    })
  }

const reset = (socket: Exchange['socket']) => {
  socket.resetAndDestroy()
}

/** Writes one byte after the other. @param pause the time between bytes in milliseconds */
const drips = (bytes: (exchange: Exchange) => Buffer, pause: number) => (exchange: Exchange) => {
  const all = bytes(exchange)
  let sent = 0
  const next = () => {
    if (exchange.socket.destroyed) return
    if (sent === all.length) {
      exchange.socket.end()
      return
    }
    exchange.socket.write(all.subarray(sent, ++sent))
    if (pause === 0) setImmediate(next)
    else setTimeout(next, pause)
  }
  next()
}

/** Writes the head and then `more` without end, as fast as the program reads it. */
const floods = (head: string, more: string) => (exchange: Exchange) => {
  const { socket } = exchange
  const pour = () => {
    while (!socket.destroyed && socket.write(more)) {}
  }
  socket.write(head)
  socket.on('drain', pour)
  pour()
}

const withBody = (body: string | Buffer, ...headers: string[]) =>
  sends(() => message([ok, json, lengthOf(body), ...headers], body))

const half = ({ good }: Exchange) => good.slice(0, Math.floor(good.length / 2))
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const connection: Group = {
  title: 'The connection',
  rows: [
    {
      name: 'refused',
      outcomes: atEach('retried'),
      says: /failed \(ECONNREFUSED\)/,
      // The server listens on 127.0.0.1 only.
      lookups: { host: 'localhost', faulty: '127.0.0.3' },
    },
    {
      name: 'a name that cannot be resolved',
      outcomes: atEach('retried'),
      says: /the name bitbucket\.invalid could not be resolved \((ENOTFOUND|EAI_AGAIN)\)/,
      lookups: { host: 'bitbucket.invalid', faulty: 'real' },
      overTls: 'bitbucket.invalid',
    },
    {
      name: 'accepted, then silence',
      outcomes: atEach('retried'),
      says: late,
      waits: true,
      onConnect: () => {},
    },
    {
      name: 'accepted, then reset',
      outcomes: atEach('retried'),
      says: failed,
      onConnect: reset,
    },
    {
      name: 'reset at the first byte of the request',
      outcomes: atEach('retried'),
      says: failed,
      onConnect: (socket) => {
        socket.once('data', () => reset(socket))
      },
    },
    row(['request heard, then silence', 'retried', late, () => {}, { waits: true }]),
    row(['reset before the answer', 'retried', failed, ({ socket }) => reset(socket)]),
    row(['closed before the answer', 'retried', failed, ({ socket }) => socket.end()]),
    row(['reset within the status line', 'retried', failed, sends(() => 'HTTP/1.1 20', 'reset')]),
    row(['closed within the headers', 'retried', failed, sends(() => `${ok}\r\n${json}\r\nCont`)]),
    row(['reset within the headers', 'retried', failed, sends(() => `${ok}\r\n${json}\r\nCont`, 'reset')]),
    row([
      'silence within the headers',
      'retried',
      late,
      sends(() => `${ok}\r\n${json}\r\nCont`, 'silence'),
      { waits: true },
    ]),
    row([
      'closed after the headers',
      'retried',
      cut,
      sends(({ good }) => message([ok, json, lengthOf(good)])),
    ]),
    row([
      'reset after the headers',
      'retried',
      // The reset may arrive before the headers.
      /the connection/,
      sends(({ good }) => message([ok, json, lengthOf(good)]), 'reset'),
    ]),
    row([
      'closed within a Content-Length body',
      'retried',
      cut,
      sends((exchange) => message([ok, json, lengthOf(exchange.good)], half(exchange))),
    ]),
    row([
      'reset within a Content-Length body',
      'retried',
      /the connection/,
      sends((exchange) => message([ok, json, lengthOf(exchange.good)], half(exchange)), 'reset'),
    ]),
    row([
      'silence within a Content-Length body',
      'retried',
      late,
      sends((exchange) => message([ok, json, lengthOf(exchange.good)], half(exchange)), 'silence'),
      { waits: true },
    ]),
    row([
      'closed before the last byte of a Content-Length body',
      'retried',
      cut,
      sends(({ good }) => message([ok, json, lengthOf(good)], good.slice(0, -1))),
    ]),
    row([
      'closed within a chunk',
      'retried',
      cut,
      sends((exchange) =>
        message([ok, json, 'Transfer-Encoding: chunked'], chunk(exchange.good).slice(0, 60)),
      ),
    ]),
    row([
      'a whole document in a chunk, but no last chunk, then closed',
      'retried',
      cut,
      sends(({ good }) => message([ok, json, 'Transfer-Encoding: chunked'], chunk(good))),
    ]),
    row([
      'a whole document in a chunk, but no last chunk, then silence',
      'retried',
      late,
      sends(({ good }) => message([ok, json, 'Transfer-Encoding: chunked'], chunk(good)), 'silence'),
      { waits: true },
    ]),
    row([
      'a chunk whose size is not a number',
      'retried',
      /the connection/,
      sends(({ good }) => message([ok, json, 'Transfer-Encoding: chunked'], `zz\r\n${good}\r\n0\r\n\r\n`)),
    ]),
    row([
      'reset after the whole answer',
      'done',
      never,
      ({ socket, good }) => {
        socket.write(goodAnswer(good))
        // The program must have read the answer, because a reset discards what it has not read.
        setTimeout(() => reset(socket), 100)
      },
    ]),
    row([
      'the whole answer, but never closed',
      'done',
      never,
      ({ socket, good }) => socket.write(goodAnswer(good)),
    ]),
    row(['the answer byte by byte', 'done', never, drips(({ good }) => goodAnswer(good), 0)]),
    row([
      'a byte every tenth of a second, which no idle timeout ends',
      'retried',
      late,
      drips(({ good }) => goodAnswer(good), 100),
      { waits: true },
    ]),
    row([
      'the answer in one-byte chunks',
      'done',
      never,
      sends(({ good }) =>
        message([ok, json, 'Transfer-Encoding: chunked'], `${[...good].map(chunk).join('')}0\r\n\r\n`),
      ),
    ]),
    row([
      'an endless body in chunks',
      'unusable',
      /larger than \d+ bytes/,
      floods(`${ok}\r\n${json}\r\nTransfer-Encoding: chunked\r\n\r\n`, chunk('x'.repeat(16_384))),
    ]),
    row([
      'an endless body until it is closed',
      'unusable',
      /larger than \d+ bytes/,
      floods(`${ok}\r\n${json}\r\n\r\n`, 'x'.repeat(16_384)),
    ]),
    row([
      'a Content-Length of nine petabytes',
      'unusable',
      /larger than \d+ bytes/,
      floods(`${ok}\r\n${json}\r\nContent-Length: 9007199254740991\r\n\r\n`, 'x'.repeat(16_384)),
    ]),
    row(['endless headers', 'retried', failed, floods(`${ok}\r\n`, `X-More: ${'x'.repeat(4_000)}\r\n`)]),
  ],
}

const bomb = gzipSync(Buffer.alloc(64 * 1_048_576))
const gzipped = gzipSync('{"access_token":"x"}')

const headers: Group = {
  title: 'Status line, headers and encoding',
  rows: [
    ...['100 Continue', '102 Processing', '103 Early Hints\r\nLink: </style.css>; rel=preload'].map((first) =>
      row([
        `${first.split('\r')[0]} first`,
        'done',
        never,
        sends(({ good }) => Buffer.concat([message([`HTTP/1.1 ${first}`]), goodAnswer(good)])),
      ]),
    ),
    row([
      '100 and 103, a hundred times each, first',
      'done',
      never,
      sends(({ good }) =>
        Buffer.concat([
          Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)),
          goodAnswer(good),
        ]),
      ),
    ]),
    row([
      '100 and nothing else',
      'retried',
      late,
      sends(() => message(['HTTP/1.1 100 Continue']), 'silence'),
      { waits: true },
    ]),
    row([
      '101 to a protocol that was not requested',
      'retried',
      failed,
      sends(() => message(['HTTP/1.1 101 Switching Protocols', 'Upgrade: h2c', 'Connection: Upgrade'])),
    ]),
    row(['another protocol', 'retried', failed, sends(() => 'SSH-2.0-OpenSSH_9.2\r\n')]),
    row([
      'HTTP/2 that was not negotiated',
      'retried',
      failed,
      sends(() => Buffer.from('000012040000000000', 'hex')),
    ]),
    row([
      'a status that is not a number',
      'retried',
      failed,
      sends(() => message(['HTTP/1.1 abc Yes'], '{}')),
    ]),
    row([
      'status 99',
      'unusable',
      /status 99/,
      sends(() => message(['HTTP/1.1 099 Low', lengthOf('{}')], '{}')),
    ]),
    row([
      'HTTP/1.0, ended by closing',
      'done',
      never,
      sends(({ good }) => message(['HTTP/1.0 200 OK', json], good)),
    ]),
    row([
      'HTTP/1.0, half the document, closed',
      'unusable',
      notDue,
      sends((exchange) => message(['HTTP/1.0 200 OK', json], half(exchange))),
    ]),
    row(['no headers at all', 'done', never, sends(({ good }) => message([ok], good))]),
    row([
      'Content-Type: text/html over JSON',
      'done',
      never,
      sends(({ good }) => message([ok, 'Content-Type: text/html', lengthOf(good)], good)),
    ]),
    row([
      'Content-Type twice',
      'done',
      never,
      sends(({ good }) => message([ok, json, 'Content-Type: text/plain', lengthOf(good)], good)),
    ]),
    row([
      'Content-Length twice, the same',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, lengthOf(good), lengthOf(good)], good)),
    ]),
    row([
      'Content-Length twice, different',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, lengthOf(good), 'Content-Length: 2'], good)),
    ]),
    row([
      'Content-Length that is not a number',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, 'Content-Length: many'], good)),
    ]),
    row([
      'Content-Length below zero',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, 'Content-Length: -1'], good)),
    ]),
    row([
      'Content-Length too small',
      'unusable',
      notDue,
      sends(({ good }) => message([ok, json, 'Content-Length: 20'], good)),
    ]),
    row([
      'Content-Length beside chunks',
      'retried',
      failed,
      sends(({ good }) =>
        message([ok, json, lengthOf(good), 'Transfer-Encoding: chunked'], `${chunk(good)}0\r\n\r\n`),
      ),
    ]),
    row([
      'a header line without a colon',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, 'nonsense', lengthOf(good)], good)),
    ]),
    row([
      'a header with a NUL',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, 'X: a\0b', lengthOf(good)], good)),
    ]),
    row([
      'a header of a hundred kilobytes',
      'retried',
      failed,
      sends(({ good }) => message([ok, json, `X: ${'x'.repeat(100_000)}`, lengthOf(good)], good)),
    ]),
    row([
      'gzip that was not requested',
      'unusable',
      /compressed/,
      withBody(gzipped, 'Content-Encoding: gzip'),
    ]),
    row(['a gzip bomb (64 MB in 64 kB)', 'unusable', /compressed/, withBody(bomb, 'Content-Encoding: gzip')]),
    row(['a gzip bomb without Content-Encoding', 'unusable', /not text in UTF-8/, withBody(bomb)]),
    row(['br that was not requested', 'unusable', /compressed/, withBody('xxxx', 'Content-Encoding: br')]),
    row([
      'Content-Encoding: identity',
      'done',
      never,
      ({ good, ...rest }) => withBody(good, 'Content-Encoding: identity')({ good, ...rest }),
    ]),
    row([
      'two answers in one',
      'done',
      never,
      sends(({ good }) => Buffer.concat([goodAnswer(good), goodAnswer(good)])),
    ]),
  ],
}

const redirects: Group = {
  title: 'Redirects: none is followed, and the other server hears nothing',
  rows: [300, 301, 302, 303, 304, 305, 306, 307, 308].flatMap((status) =>
    (
      [
        ['the same host', ({ origin }) => `${origin}/elsewhere`],
        ['another host', ({ others }) => `${others.host}/2.0/user`],
        ['another port', ({ others }) => `${others.port}/2.0/user`],
        ['a relative address', () => '/login?next=%2F'],
        [
          'itself',
          ({ origin, endpoint }) =>
            `${origin}/${endpoint === 'token' ? 'site/oauth2/access_token' : '2.0/user'}`,
        ],
        ['an invalid URL', () => 'https://[::bad/'],
      ] satisfies [string, (exchange: Exchange) => string][]
    ).map(([where, location]) =>
      row([
        `${status} to ${where}`,
        'unusable',
        new RegExp(`status ${status}, a redirect`),
        sends((exchange) =>
          message([`HTTP/1.1 ${status} Moved`, `Location: ${location(exchange)}`, 'Content-Length: 0']),
        ),
      ]),
    ),
  ),
}

/** The statuses that have a registered or widely used meaning. */
const namedStatuses = [
  201, 202, 203, 204, 205, 206, 226, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413,
  414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504,
  505, 506, 507, 508, 510, 511, 520, 599,
]
const otherStatuses = Array.from({ length: 200 }, (_, index) => 400 + index).filter(
  (status) => !namedStatuses.includes(status),
)

/** The 403 of a credential that Bitbucket accepts. */
const lackingScopes =
  '{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes."}}'

const bodies = {
  JSON: [
    json,
    {
      token: '{"error":"invalid","error_description":"Said by the test."}',
      rest: '{"type":"error","error":{"message":"Said by the test."}}',
    },
  ],
  HTML: [
    'Content-Type: text/html',
    { token: '<!doctype html><h1>No</h1>', rest: '<!doctype html><h1>No</h1>' },
  ],
  text: ['Content-Type: text/plain', { token: 'No.', rest: 'No.' }],
  'an empty body': ['X-Empty: yes', { token: '', rest: '' }],
} as const

/** Returns what a status means at each endpoint, by the rules in src/. */
function meaningOf(status: number, body: keyof typeof bodies): Outcomes {
  // These mean "try again later".
  if ([408, 425, 429].includes(status) || status >= 500) return 'retried'
  // A 401 is about the credential, whoever sends it.
  if (status === 401) return 'refused'
  // The token endpoint also refuses with 400 and 403. A web page instead of JSON comes from another server.
  if (status === 400) return [body === 'HTML' ? 'unusable' : 'refused', 'unusable']
  // At /2.0/user, a 403 in Bitbucket's JSON means that the credential is valid but may not read the account.
  // At a repository, a 403 or 404 in its JSON means that the credential cannot reach the repository.
  if (status === 403) {
    const isBitbucket = body === 'JSON'
    return [
      body === 'HTML' ? 'unusable' : 'refused',
      isBitbucket ? 'done' : 'unusable',
      isBitbucket ? 'unreadable' : 'unusable',
    ]
  }
  if (status === 402 && body === 'JSON') return ['unusable', 'denied']
  if (status === 404 && body === 'JSON') return ['unusable', 'unusable', 'unreadable']
  return 'unusable'
}

const statusRows = (title: string, statuses: readonly number[]): Group => ({
  title,
  rows: statuses.flatMap((status) =>
    (Object.keys(bodies) as (keyof typeof bodies)[]).map((body) => {
      const [type, texts] = bodies[body]
      const rest = status === 403 && body === 'JSON' ? lackingScopes : texts.rest
      const text = { token: texts.token, rest }
      return row([
        `${status} with ${body}`,
        meaningOf(status, body),
        new RegExp(`status ${status}`),
        sends(({ endpoint }) =>
          message([`HTTP/1.1 ${status} Said`, type, lengthOf(text[endpoint])], text[endpoint]),
        ),
      ])
    }),
  ),
})

const busy = (status: number, after: () => string) =>
  sends(() => message([`HTTP/1.1 ${status} Busy`, `Retry-After: ${after()}`, 'Content-Length: 0']))
const dateIn = (milliseconds: number) => new Date(Date.now() + milliseconds).toUTCString()

const retryAfter: Group = {
  title: 'Retry-After',
  rows: [429, 503].flatMap((status) =>
    (
      [
        ['zero seconds', () => '0', 'retried', /status/],
        ['one second', () => '1', 'retried', /status/],
        ['a date one second ahead', () => dateIn(1_000), 'retried', /status/],
        ['a date in the past', () => dateIn(-3_600_000), 'retried', /status/],
        [
          'a date one day ahead',
          () => dateIn(86_400_000),
          'unusable',
          /It asked to wait \d+ s|Retries are off/,
        ],
        ['an hour', () => '3600', 'unusable', /It asked to wait 3600 s|Retries are off/],
        [
          'more seconds than a number can hold',
          () => '9'.repeat(400),
          'unusable',
          /It asked to wait|Retries are off/,
        ],
        ['a negative number', () => '-5', 'retried', /status/],
        ['a fraction', () => '1.5', 'retried', /status/],
        ['garbage', () => 'soon, \u00e4nd th\u00e9n some', 'retried', /status/],
        ['no value', () => '', 'retried', /status/],
        ['two values', () => '0\r\nRetry-After: 3600', 'retried', /status/],
      ] satisfies [string, () => string, Outcome, RegExp][]
    ).map(([what, value, outcome, says]) =>
      row([`${status} with ${what}`, outcome, says, busy(status, value)]),
    ),
  ),
}

const tokenOf = (value: unknown) =>
  JSON.stringify({ access_token: value, token_type: 'bearer', expires_in: 7200 })
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const any = 'a-token-of-the-fault-that-must-not-show'

const documents: Group = {
  title: 'Documents with status 200',
  rows: [
    ...Object.entries({
      nothing: '',
      spaces: ' \n ',
      'an HTML page': '<!doctype html><title>Log in</title>',
      text: 'OK',
      'a token outside JSON': any,
      'an array': '[{"access_token":"x"}]',
      'a string': '"x"',
      null: 'null',
      'a number': '1e999',
      'an array 100,000 deep': deep,
      'half an object': '{"access_token":"x"',
      'two objects': '{"a":1}{"b":2}',
      'an object after a byte order mark of UTF-16': Buffer.from('\ufeff{"a":1}', 'utf16le'),
    }).map(([name, body]) =>
      row([name, 'unusable', /with status 200 and .* instead of|not text in UTF-8/, withBody(body)]),
    ),
    row([
      'JSON that is not UTF-8',
      'unusable',
      /not text in UTF-8/,
      withBody(Buffer.from('{"a":"\xff\xfe"}', 'latin1')),
    ]),
    // At the REST API any object is enough, because the program asks only whether the credential is accepted.
    ...Object.entries({
      'an empty object': '{}',
      'an object without a token': '{"token_type":"bearer"}',
      'a token that is empty': tokenOf(''),
      'a token that is a number': tokenOf(12_345_678_901_234),
      'a token that is an object': tokenOf({ value: any }),
      'a token that is an array': tokenOf([any]),
      'a token that is null': tokenOf(null),
      'a token that is true': tokenOf(true),
      'a token with a newline': tokenOf(`${any}\nPATH=/evil`),
      'a token with a carriage return': tokenOf(`${any}\rx`),
      'a token with a NUL': tokenOf(`${any}\0`),
      'a token with a space': tokenOf(`${any} x`),
      'a token beyond ASCII': tokenOf(`${any}é`),
      'a token of one megabyte': tokenOf('x'.repeat(1_000_000)),
      'a token only under __proto__': `{"__proto__":${tokenOf(any)}}`,
      'a token only under constructor.prototype': `{"constructor":{"prototype":${tokenOf(any)}}}`,
      'a token of another type': JSON.stringify({ access_token: any, token_type: 'mac' }),
      'a token without a type': JSON.stringify({ access_token: any }),
      'a token deep inside': `{"data":${tokenOf(any)}}`,
    }).map(([name, body]) => row([name, ['unusable', 'done'], notDue, withBody(body)])),
    row([
      'an error with status 200',
      ['refused', 'unusable'],
      /\(status 200(, invalid_grant, "|: ")Said by the test\."\)/,
      withBody('{"error":"invalid_grant","error_description":"Said by the test."}'),
    ]),
    row([
      'a good answer behind a byte order mark',
      'done',
      never,
      sends(({ good }) => message([ok, json, lengthOf(`\ufeff${good}`)], `\ufeff${good}`)),
    ]),
    // The token is valid, and the program checks or ignores the other fields.
    ...(
      [
        ['a token beside __proto__', '"__proto__":{"access_token":"y","isAdmin":true}'],
        ['a token whose expiry is not a number', '"expires_in":"soon"'],
        ['a token whose expiry is in the past', '"expires_in":-1'],
        ['a token that never expires', '"expires_in":1e300'],
        ['scopes that are a list', '"scope":["repository"]'],
        ['scopes with a workflow command', '"scope":"repository\\n::add-path::/evil"'],
        ['a key a hundred thousand characters long', `"${'k'.repeat(100_000)}":1`],
        ['another field, nested 1,000 deep', `"more":${'['.repeat(1_000)}${']'.repeat(1_000)}`],
      ] as const
    ).map(([name, more]) =>
      row([
        name,
        'done',
        never,
        // The last of two equal keys wins, so the good answer's own key is removed.
        sends(({ good }) => {
          const key = /^"(\w+)"/.exec(more)?.[1] ?? ''
          const { [key]: _, ...others } = JSON.parse(good) as Record<string, unknown>
          const body = `${JSON.stringify(others).slice(0, -1)},${more}}`
          return message([ok, json, lengthOf(body)], body)
        }),
      ]),
    ),
  ],
}

const certificate = /the certificate of \S+ was not accepted/

const tls: Group = {
  title: 'TLS',
  rows: (
    [
      {
        name: 'a good certificate of a private authority (NODE_EXTRA_CA_CERTS)',
        outcome: 'done',
        says: never,
        certificate: 'good',
      },
      {
        name: 'an unknown authority',
        outcome: 'unusable',
        says: certificate,
        certificate: 'unknown authority',
      },
      { name: 'an expired certificate', outcome: 'unusable', says: certificate, certificate: 'expired' },
      {
        name: 'a certificate for another name',
        outcome: 'unusable',
        says: certificate,
        certificate: 'other name',
      },
      {
        name: 'no TLS at all',
        outcome: 'retried',
        says: failed,
        onConnect: (socket) => socket.end(message([ok], '{}')),
      },
      {
        name: 'closed in the handshake',
        outcome: 'retried',
        says: failed,
        onConnect: (socket) => socket.once('data', () => socket.end()),
      },
      {
        name: 'reset in the handshake',
        outcome: 'retried',
        says: failed,
        onConnect: (socket) => socket.once('data', () => reset(socket)),
      },
      { name: 'silence in the handshake', outcome: 'retried', says: late, waits: true, onConnect: () => {} },
      {
        name: 'a handshake that is refused (alert)',
        outcome: 'retried',
        says: failed,
        onConnect: (socket) => socket.once('data', () => socket.end(Buffer.from('15030300020228', 'hex'))),
      },
      {
        name: 'cut within the body',
        outcome: 'retried',
        says: /the connection/,
        onRequest: sends((exchange) => message([ok, json, lengthOf(exchange.good)], half(exchange))),
      },
    ] satisfies (Omit<Fault, 'outcomes'> & { outcome: Outcome })[]
  ).map(({ outcome, ...fault }): Fault => ({ ...fault, overTls: 'loopback', outcomes: atEach(outcome) })),
}

export const groups: readonly Group[] = [
  connection,
  headers,
  redirects,
  statusRows('Statuses', namedStatuses),
  { ...statusRows('All other statuses from 400 to 599', otherStatuses), areAlike: true },
  retryAfter,
  documents,
  tls,
]

/** How often the fault occurs. */
export const modes = {
  once: 'no retries, so the fault decides',
  'once, then good': 'two retries, and only the first try meets the fault',
  always: 'two retries, and each try meets the fault',
} as const
export type Mode = keyof typeof modes
export const modeNames = Object.keys(modes) as Mode[]

/** The mode that reveals most: a retry that must not happen would succeed. */
export const hardest: Mode = 'once, then good'

/** A kind of credential, and the request that meets the fault. */
interface KindOfRun {
  readonly credential: 'client-credentials' | 'refresh-token' | 'jwt' | 'api-token' | 'access-token'
  readonly meets: Endpoint
  /** How many requests succeed first. A new refresh token that came with one of them must never be lost. */
  readonly goodBefore: 0 | 1
  /** More inputs. `<tree>` stands for the job's directory. */
  readonly inputs: Readonly<Record<string, string>>
}

export const kinds = {
  'client credentials': { credential: 'client-credentials', meets: 'token', goodBefore: 0, inputs: {} },
  'a refresh token': { credential: 'refresh-token', meets: 'token', goodBefore: 0, inputs: {} },
  'a Connect app': { credential: 'jwt', meets: 'token', goodBefore: 0, inputs: {} },
  'an API token': { credential: 'api-token', meets: 'account', goodBefore: 0, inputs: {} },
  'an access token': { credential: 'access-token', meets: 'account', goodBefore: 0, inputs: {} },
  'client credentials, then the check': {
    credential: 'client-credentials',
    meets: 'account',
    goodBefore: 1,
    inputs: { verify: 'true' },
  },
  'a refresh token, then the check of a repository': {
    credential: 'refresh-token',
    meets: 'repository',
    goodBefore: 1,
    inputs: { repository: 'acme/web' },
  },
  'a refresh token and its store, then the check': {
    credential: 'refresh-token',
    meets: 'account',
    goodBefore: 1,
    inputs: { verify: 'true', 'save-refresh-token': 'file:<tree>/refresh-token' },
  },
} as const satisfies Record<string, KindOfRun>
export type Kind = keyof typeof kinds
export const kindNames = Object.keys(kinds) as Kind[]

/** Returns the modes in which a kind meets a row of the group. */
export const modesIn = ({ areAlike }: Group, kind: Kind, row: number): readonly Mode[] =>
  areAlike
    ? modeNames.filter((_, index) => index === (row + kindNames.indexOf(kind)) % modeNames.length)
    : modeNames

/** Whether a fault needs its own process, because Node itself looks up names and checks certificates. */
export const needsProcess = ({ overTls, lookups }: Fault): boolean =>
  overTls !== undefined || lookups !== undefined
