/** @module-tag sh */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runAction } from '../e2e/support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { runShell } from '../e2e/support/shell.ts'
import { encodings } from '../support/encodings.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { combinations, hostile } from './table.ts'

// Whatever the program quotes may repeat what it was sent. The canary looks through every run of these.

interface Place {
  /** The secret that is repeated. */
  readonly secret: (bitbucket: Bitbucket) => string
  /** Plays it with the words of the server. @returns what the run said */
  readonly play: (words: string, bitbucket: Bitbucket) => Promise<string>
}

/** All but the masks, which name a secret. */
const said = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
  `${stdout}\n${stderr}`.replace(/^::add-mask::.*$/gm, '')

const clientSecret = ({ credentials }: Bitbucket) => credentials.clientSecret
const apiToken = ({ credentials }: Bitbucket) => credentials.apiToken

const refusal = (words: object): Place => ({
  secret: clientSecret,
  play: async (_, bitbucket) => {
    bitbucket.script({ status: 400, body: words })
    return said(await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) }))
  },
})

/** The token itself is good; REST speaks of it. */
const rest =
  (
    status: number,
    body: (words: string) => object,
    headers: (words: string) => Record<string, string> = () => ({}),
  ) =>
  (inputs: Record<string, string>, args: readonly string[] = []): Place => ({
    secret: apiToken,
    play: async (words, bitbucket) => {
      bitbucket.script({ status, body: body(words), headers: headers(words) })
      return said(
        await runShell({ bitbucket, inputs: { ...inputsFor.apiToken(bitbucket), ...inputs }, args }),
      )
    },
  })

const oneLine = (words: string) => words.replace(/[^\x20-\x7e]+/g, ' ')
const repository = { repository: 'sandbox/hello' }

const places: Readonly<Record<string, Place>> = {
  error_description: {
    secret: clientSecret,
    play: (words, bitbucket) =>
      refusal({ error: 'invalid_grant', error_description: words }).play(words, bitbucket),
  },
  error: {
    secret: clientSecret,
    play: (words, bitbucket) => refusal({ error: words }).play(words, bitbucket),
  },
  'error_description, to the action': {
    secret: clientSecret,
    play: async (words, bitbucket) => {
      bitbucket.script({ status: 401, body: { error: 'invalid_client', error_description: words } })
      return said(await runAction({ bitbucket, inputs: inputsFor.consumer(bitbucket) }))
    },
  },
  'the scopes of a token': {
    secret: clientSecret,
    play: async (words, bitbucket) => {
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
    play: async (words, bitbucket) => {
      const server = createServer((_, response) => {
        const body = { message: { [words]: [words] }, error: words }
        response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      return said(
        await runShell({
          bitbucket,
          inputs: {
            ...inputsFor.refreshToken(bitbucket),
            'save-refresh-token': 'gitlab-variable:TOKEN',
            'gitlab-token': 'glpat-0123456789abcdef',
          },
          env: {
            CI_PROJECT_ID: '7',
            CI_API_V4_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          },
        }),
      )
    },
  },
  "a store command's stderr": {
    secret: ({ credentials }) => credentials.refreshToken,
    play: async (words, bitbucket) => {
      const file = join(temporaryDirectory(), 'words')
      writeFileSync(file, words)
      const store = `command:cat >/dev/null; cat ${file} >&2; exit 1`
      const inputs = { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': store, retries: '0' }
      return said(await runShell({ bitbucket, inputs }))
    },
  },
}

/** Those that differ in what has to be undone. All of them, with every piece, are in test/quote.test.ts. */
const telling = [
  'raw',
  'percent-encoded in lower case',
  'JSON with \\u escapes',
  'named entities',
  'quoted-printable with soft line breaks',
  'Base64 one byte later',
]

const writings = Object.entries(encodings).filter(
  ([name]) => process.env['HOSTILE'] === 'all' || telling.includes(name),
)

hostile(
  combinations(Object.entries(places), writings).map(
    ([[place, { secret, play }], [encoding, encode]], number) => ({
      kind: "a secret in a server's words",
      name: `${place}, ${encoding}`,
      attempt: async () => {
        const bitbucket = await startBitbucket()
        const whole = secret(bitbucket)
        // Half of the cases have little of it, the others nearly all.
        const repeated = encode(number % 2 === 0 ? whole.slice(-21, -12) : whole.slice(0, -2))
        const text = await play(`Invalid: ${repeated} (sorry)`, bitbucket)
        return text.includes(repeated.slice(0, 24)) ? text : undefined
      },
    }),
  ),
)
