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
const ok10 = 'HTTP/1.0 200 OK'
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

/** Waits for the first byte that the program sends. */
const onceHeard = (act: (socket: Exchange['socket']) => void) => (socket: Exchange['socket']) =>
  void socket.once('data', () => act(socket))

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

/** The place of the right `Content-Length` among headers. */
const right = 'Content-Length: right'
const chunked = 'Transfer-Encoding: chunked'
const end = '0\r\n\r\n'

/** Returns a row for each good answer whose headers are these instead of the usual ones. */
const withHeaders = (
  faults: Readonly<
    Record<string, readonly [Outcome, RegExp, headers: readonly string[], body?: (good: string) => string]>
  >,
): Fault[] =>
  Object.entries(faults).map(([name, [outcome, says, headers, body = String]]) =>
    row([
      name,
      outcome,
      says,
      sends(({ good }) => {
        const lines = headers.map((line) => (line === right ? lengthOf(good) : line))
        return message([ok, json, ...lines], body(good))
      }),
    ]),
  )

const half = ({ good }: Exchange) => good.slice(0, Math.floor(good.length / 2))
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

/** Where an answer stops, and what the program says if it is closed, reset or silent there. */
const cuts: readonly (readonly [
  where: string,
  sent: (exchange: Exchange) => string | Buffer,
  says: RegExp,
])[] = [
  ['within the status line', () => 'HTTP/1.1 20', failed],
  ['within the headers', () => `${ok}\r\n${json}\r\nCont`, failed],
  ['after the headers', ({ good }) => message([ok, json, lengthOf(good)]), cut],
  [
    'within a Content-Length body',
    (exchange) => message([ok, json, lengthOf(exchange.good)], half(exchange)),
    cut,
  ],
  [
    'before the last byte of a body',
    ({ good }) => message([ok, json, lengthOf(good)], good.slice(0, -1)),
    cut,
  ],
  ['within a chunk', ({ good }) => message([ok, json, chunked], chunk(good).slice(0, 60)), cut],
  [
    'after a whole document in a chunk, but no last chunk',
    ({ good }) => message([ok, json, chunked], chunk(good)),
    cut,
  ],
]

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
    ...[
      { name: 'accepted, then silence', says: late, waits: true as const, onConnect: () => {} },
      { name: 'accepted, then reset', says: failed, onConnect: reset },
      { name: 'reset at the first byte of the request', says: failed, onConnect: onceHeard(reset) },
    ].map((fault): Fault => ({ outcomes: atEach('retried'), ...fault })),
    row(['request heard, then silence', 'retried', late, () => {}, { waits: true }]),
    row(['reset before the answer', 'retried', failed, ({ socket }) => reset(socket)]),
    row(['closed before the answer', 'retried', failed, ({ socket }) => socket.end()]),
    ...cuts.flatMap(([where, sent, says]) => [
      row([`closed ${where}`, 'retried', says, sends(sent)]),
      // A reset may arrive before what was sent.
      row([`reset ${where}`, 'retried', /the connection/, sends(sent, 'reset')]),
      row([`silence ${where}`, 'retried', late, sends(sent, 'silence'), { waits: true }]),
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
      sends(({ good }) => goodAnswer(good), 'silence'),
    ]),
    row(['the answer byte by byte', 'done', never, drips(({ good }) => goodAnswer(good), 0)]),
    row([
      'a byte every tenth of a second, which no idle timeout ends',
      'retried',
      late,
      drips(({ good }) => goodAnswer(good), 100),
      { waits: true },
    ]),
    ...withHeaders({
      'the answer in one-byte chunks': [
        'done',
        never,
        [chunked],
        (good) => `${[...good].map(chunk).join('')}${end}`,
      ],
      'a chunk whose size is not a number': [
        'retried',
        /the connection/,
        [chunked],
        (good) => `zz\r\n${good}\r\n${end}`,
      ],
    }),
    ...Object.entries({
      'an endless body in chunks': floods(
        `${ok}\r\n${json}\r\n${chunked}\r\n\r\n`,
        chunk('x'.repeat(16_384)),
      ),
      'an endless body until it is closed': floods(`${ok}\r\n${json}\r\n\r\n`, 'x'.repeat(16_384)),
      'a Content-Length of nine petabytes': floods(
        `${ok}\r\n${json}\r\nContent-Length: 9007199254740991\r\n\r\n`,
        'x'.repeat(16_384),
      ),
    }).map(([name, act]) => row([name, 'unusable', /larger than \d+ bytes/, act])),
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
    ...Object.entries({
      '101 to a protocol that was not requested': message([
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: h2c',
        'Connection: Upgrade',
      ]),
      'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/2 that was not negotiated': Buffer.from('000012040000000000', 'hex'),
      'a status that is not a number': message(['HTTP/1.1 abc Yes'], '{}'),
    }).map(([name, bytes]) => row([name, 'retried', failed, sends(() => bytes)])),
    row([
      'status 99',
      'unusable',
      /status 99/,
      sends(() => message(['HTTP/1.1 099 Low', lengthOf('{}')], '{}')),
    ]),
    row(['HTTP/1.0, ended by closing', 'done', never, sends(({ good }) => message([ok10, json], good))]),
    row([
      'HTTP/1.0, half the document, closed',
      'unusable',
      notDue,
      sends((all) => message([ok10, json], half(all))),
    ]),
    row(['no headers at all', 'done', never, sends(({ good }) => message([ok], good))]),
    row([
      'two answers in one',
      'done',
      never,
      sends(({ good }) => Buffer.concat([goodAnswer(good), goodAnswer(good)])),
    ]),
    ...withHeaders({
      'Content-Type: text/html over JSON': ['done', never, ['Content-Type: text/html', right]],
      'Content-Type twice': ['done', never, ['Content-Type: text/plain', right]],
      'Content-Length twice, the same': ['retried', failed, [right, right]],
      'Content-Length twice, different': ['retried', failed, [right, 'Content-Length: 2']],
      'Content-Length that is not a number': ['retried', failed, ['Content-Length: many']],
      'Content-Length below zero': ['retried', failed, ['Content-Length: -1']],
      'Content-Length too small': ['unusable', notDue, ['Content-Length: 20']],
      'Content-Length beside chunks': ['retried', failed, [right, chunked], (good) => `${chunk(good)}${end}`],
      'a header line without a colon': ['retried', failed, ['nonsense', right]],
      'a header with a NUL': ['retried', failed, ['X: a\0b', right]],
      'a header of a hundred kilobytes': ['retried', failed, [`X: ${'x'.repeat(100_000)}`, right]],
      'Content-Encoding: identity': ['done', never, ['Content-Encoding: identity', right]],
    }),
    ...(
      [
        ['gzip that was not requested', gzipped, 'gzip'],
        ['a gzip bomb (64 MB in 64 kB)', bomb, 'gzip'],
        ['br that was not requested', 'xxxx', 'br'],
      ] as const
    ).map(([name, body, encoding]) =>
      row([name, 'unusable', /compressed/, withBody(body, `Content-Encoding: ${encoding}`)]),
    ),
    row(['a gzip bomb without Content-Encoding', 'unusable', /not text in UTF-8/, withBody(bomb)]),
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
      [
        'a good certificate of a private authority (NODE_EXTRA_CA_CERTS)',
        'done',
        never,
        { certificate: 'good' },
      ],
      ['an unknown authority', 'unusable', certificate, { certificate: 'unknown authority' }],
      ['an expired certificate', 'unusable', certificate, { certificate: 'expired' }],
      ['a certificate for another name', 'unusable', certificate, { certificate: 'other name' }],
      ['no TLS at all', 'retried', failed, { onConnect: (socket) => socket.end(message([ok], '{}')) }],
      ['closed in the handshake', 'retried', failed, { onConnect: onceHeard((socket) => socket.end()) }],
      ['reset in the handshake', 'retried', failed, { onConnect: onceHeard(reset) }],
      ['silence in the handshake', 'retried', late, { waits: true, onConnect: () => {} }],
      [
        'a handshake that is refused (alert)',
        'retried',
        failed,
        { onConnect: onceHeard((socket) => socket.end(Buffer.from('15030300020228', 'hex'))) },
      ],
      [
        'cut within the body',
        'retried',
        /the connection/,
        { onRequest: sends((exchange) => message([ok, json, lengthOf(exchange.good)], half(exchange))) },
      ],
    ] satisfies [string, Outcome, RegExp, Partial<Fault>][]
  ).map(
    ([name, outcome, says, fault]): Fault => ({
      name,
      says,
      ...fault,
      overTls: 'loopback',
      outcomes: atEach(outcome),
    }),
  ),
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
