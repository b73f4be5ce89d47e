/** @module-tag sh */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runAction } from '../e2e/support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { runShell } from '../e2e/support/shell.ts'
import { encodings } from '../support/encodings.ts'
import { loopback } from '../support/loopback.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { combinations, hostile } from './table.ts'

// The program quotes answers, and an answer may repeat the secret in any encoding. The canary checks each run.

interface Source {
  /** The secret that the answer repeats. */
  readonly secret: (bitbucket: Bitbucket) => string
  /** Runs the program against a server that says `words`. @returns what the run printed */
  readonly start: (words: string, bitbucket: Bitbucket) => Promise<string>
}

/** Removes the masks, because a mask names a secret. */
const said = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
  `${stdout}\n${stderr}`.replace(/^::add-mask::.*$/gm, '')

const clientSecret = ({ credentials }: Bitbucket) => credentials.clientSecret
const apiToken = ({ credentials }: Bitbucket) => credentials.apiToken

const refusal = (words: object): Source => ({
  secret: clientSecret,
  start: async (_, bitbucket) => {
    bitbucket.script({ status: 400, body: words })
    return said(await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) }))
  },
})

/** The credential is valid, and the REST API repeats it. */
const rest =
  (
    status: number,
    body: (words: string) => object,
    headers: (words: string) => Record<string, string> = () => ({}),
  ) =>
  (inputs: Record<string, string>, args: readonly string[] = []): Source => ({
    secret: apiToken,
    start: async (words, bitbucket) => {
      bitbucket.script({ status, body: body(words), headers: headers(words) })
      return said(
        await runShell({ bitbucket, inputs: { ...inputsFor.apiToken(bitbucket), ...inputs }, args }),
      )
    },
  })

const oneLine = (words: string) => words.replace(/[^\x20-\x7e]+/g, ' ')
const repository = { repository: 'sandbox/hello' }

const sources: Readonly<Record<string, Source>> = {
  error_description: {
    secret: clientSecret,
    start: (words, bitbucket) =>
      refusal({ error: 'invalid_grant', error_description: words }).start(words, bitbucket),
  },
  error: {
    secret: clientSecret,
    start: (words, bitbucket) => refusal({ error: words }).start(words, bitbucket),
  },
  'error_description, to the action': {
    secret: clientSecret,
    start: async (words, bitbucket) => {
      bitbucket.script({ status: 401, body: { error: 'invalid_client', error_description: words } })
      return said(await runAction({ bitbucket, inputs: inputsFor.consumer(bitbucket) }))
    },
  },
  'the scopes of a token': {
    secret: clientSecret,
    start: async (words, bitbucket) => {
      const body = {
        access_token: 'the-token-that-was-issued',
        token_type: 'bearer',
        scope: `repository ${words}`,
      }
      bitbucket.script({ status: 200, body })
      return said(await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) }))
    },
  },
  'the message of REST': rest(401, (message) => ({ type: 'error', error: { message } }))({}),
  'its detail': rest(403, (detail) => ({ type: 'error', error: { message: 'No', detail } }))(repository),
  'its list of scopes': rest(403, (words) => ({
    type: 'error',
    error: { message: 'No', detail: { required: [words], granted: [words] } },
  }))(repository),
  'the name of an account': rest(200, (words) => ({ type: 'user', display_name: words }))({}),
  'the type of an account': rest(200, (type) => ({ type, display_name: 'Ada' }))({}, ['check']),
  'headers of REST': rest(
    200,
    () => ({ type: 'user', display_name: 'Ada' }),
    (words) => ({ 'x-oauth-scopes': oneLine(words), 'x-credential-type': oneLine(words) }),
  )({}, ['check']),
  'headers of REST, for a script': rest(
    200,
    (words) => ({ type: words, display_name: words }),
    (words) => ({ 'x-oauth-scopes': oneLine(words), 'x-credential-type': oneLine(words) }),
  )({}, ['check', '--format', 'json']),
  'the host of a redirect': rest(
    302,
    () => ({}),
    (words) => ({ location: `https://${words.replace(/[^A-Za-z0-9]/g, '')}.example/` }),
  )({}),
  "a store's answer": {
    secret: ({ credentials }) => credentials.refreshToken,
    start: async (words, bitbucket) => {
      const { url } = await loopback((response) => {
        const body = { message: { [words]: [words] }, error: words }
        response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
      return said(
        await runShell({
          bitbucket,
          inputs: {
            ...inputsFor.refreshToken(bitbucket),
            'save-refresh-token': 'gitlab-variable:TOKEN',
            'gitlab-token': 'glpat-0123456789abcdef',
          },
          env: { CI_PROJECT_ID: '7', CI_API_V4_URL: url.origin },
        }),
      )
    },
  },
  "a store command's stderr": {
    secret: ({ credentials }) => credentials.refreshToken,
    start: async (words, bitbucket) => {
      const file = join(temporaryDirectory(), 'words')
      writeFileSync(file, words)
      const store = `command:cat >/dev/null; cat ${file} >&2; exit 1`
      const inputs = { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': store, retries: '0' }
      return said(await runShell({ bitbucket, inputs }))
    },
  },
}

/** Encodings that need different decoders. test/quote.test.ts has all of them, and every piece. */
const representative = [
  'raw',
  'percent-encoded in lower case',
  'JSON with \\u escapes',
  'named entities',
  'quoted-printable with soft line breaks',
  'Base64 one byte later',
]

const tried = Object.entries(encodings).filter(
  ([name]) => process.env['HOSTILE'] === 'all' || representative.includes(name),
)

hostile(
  combinations(Object.entries(sources), tried).map(
    ([[source, { secret, start }], [encoding, encode]], number) => ({
      kind: "a secret in a server's words",
      name: `${source}, ${encoding}`,
      attempt: async () => {
        const bitbucket = await startBitbucket()
        const whole = secret(bitbucket)
        // In half of the cases the answer repeats a small part of the secret, in the others nearly all of it.
        const repeated = encode(number % 2 === 0 ? whole.slice(-21, -12) : whole.slice(0, -2))
        const text = await start(`Invalid: ${repeated} (sorry)`, bitbucket)
        return text.includes(repeated.slice(0, 24)) ? text : undefined
      },
    }),
  ),
)
