import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCommandFile } from '../e2e/support/action.ts'
import { assertNoSecret } from '../e2e/support/canary.ts'
import { type Finished, runBundle } from '../e2e/support/program.ts'
import { Secrets } from '../e2e/support/secrets.ts'
import type { Certificates } from './certificates.ts'
import { type Certificate, type Exchange, type FaultServer, startFaultServer } from './server.ts'
import { type Fault, type Kind, kinds, type Mode, type Outcome } from './table.ts'

/** What the cases of a run share. */
export interface Stage {
  readonly others: Exchange['others']
  readonly authority: Certificates
  readonly certificates: Readonly<
    Record<NonNullable<Fault['certificate']> | 'bitbucket.invalid', Certificate>
  >
}

export interface Played {
  /** Empty where all was as it must be. */
  readonly complaints: readonly string[]
  readonly tries: number
  readonly succeeded: boolean
  readonly leaked: boolean
  readonly hung: boolean
  /** Exit status 0 without a whole token. */
  readonly silent: boolean
}

/** What one run must come to. */
interface Expected {
  readonly status: number
  readonly tries: number
  readonly says: RegExp | undefined
}

const timesOf = (fault: Fault, mode: Mode) => {
  const retries = { once: 0, 'once, then well': 1, 'for ever': 2 }[mode]
  // A silent try takes a third of the time; then there must be enough left for one that goes well on a busy machine.
  const timeout = fault.waits ? (mode === 'once, then well' ? 6 : 1) : 60
  return { retries, timeout }
}

function expected(outcome: Outcome, fault: Fault, mode: Mode): Expected {
  const { retries } = timesOf(fault, mode)
  switch (outcome) {
    case 'done':
      return { status: 0, tries: 1, says: undefined }
    case 'refused':
      return { status: 3, tries: 1, says: fault.says }
    case 'unusable':
      return { status: 5, tries: 1, says: fault.says }
    case 'retried':
      return mode === 'once, then well'
        ? { status: 0, tries: 2, says: undefined }
        : { status: 5, tries: retries + 1, says: fault.says }
  }
}

/** Milliseconds past its own timeout that a run may take: the start of a process on a machine that does much else. */
const patience = 8_000

/** Plays one row of the table once, against the built program, as the runner starts an action. */
export async function play(fault: Fault, kind: Kind, mode: Mode, stage: Stage): Promise<Played> {
  const outcome = fault[kinds[kind]]
  const misbehave = (number: number) => {
    if (mode === 'once, then well' && number > 0) return undefined
    return fault.certificate === undefined ? fault : { ...fault, tls: stage.certificates[fault.certificate] }
  }
  const { retries, timeout } = timesOf(fault, mode)
  return playWith({
    kind,
    stage,
    misbehave,
    inputs: { retries: String(retries), timeout: String(timeout) },
    expected: expected(outcome, fault, mode),
    limit: timeout * 1_000 + patience,
    ...(fault.overTls !== undefined && { overTls: fault.overTls }),
    ...(fault.lookups !== undefined && {
      host: fault.lookups.host,
      lookups: mode === 'once, then well' ? `${fault.lookups.faulty},127.0.0.1` : fault.lookups.faulty,
    }),
  })
}

export interface Case {
  readonly kind: Kind
  readonly stage: Stage
  readonly misbehave: Parameters<typeof startFaultServer>[0]['misbehave']
  readonly inputs: Readonly<Record<string, string>>
  readonly expected: Expected
  /** Milliseconds. */
  readonly limit: number
  readonly overTls?: Fault['overTls']
  readonly host?: string
  readonly lookups?: string
}

const lookupsModule = new URL('./lookups.mjs', import.meta.url).href
const secret = (prefix = '') => prefix + randomBytes(24).toString('hex')

export async function playWith(played: Case): Promise<Played> {
  const { kind, stage, overTls, host = '127.0.0.1', lookups } = played
  const given = {
    clientSecret: secret(),
    refreshToken: secret(),
    apiToken: secret('ATATT3x'),
    accessToken: secret('ATCTT3x'),
    sharedSecret: secret(),
    issued: secret(),
    issuedRefresh: secret(),
  }
  const secrets = new Secrets()
  for (const [name, value] of [
    ['client secret', given.clientSecret],
    ['refresh token', given.refreshToken],
    ['api token', given.apiToken],
    ['access token', given.accessToken],
    ['connect shared secret', given.sharedSecret],
    ['issued access token', given.issued],
    ['issued refresh token', given.issuedRefresh],
  ] as const) {
    secrets.add(value, name)
  }
  const client = { 'client-id': 'the-key', 'client-secret': given.clientSecret }
  const credential: Readonly<Record<string, string>> = {
    'client-credentials': client,
    'refresh-token': { ...client, 'refresh-token': given.refreshToken },
    'api-token': { email: 'someone@example.com', 'api-token': given.apiToken },
    'access-token': { 'access-token': given.accessToken },
    jwt: {
      'connect-app-key': 'com.example.app',
      'connect-client-key': 'the-installation',
      'connect-shared-secret': given.sharedSecret,
    },
  }[kind]
  const server = await startFaultServer({
    good: {
      token: JSON.stringify({
        access_token: given.issued,
        token_type: 'bearer',
        expires_in: 7200,
        scope: 'account repository',
        ...(kind === 'refresh-token' && { refresh_token: given.issuedRefresh }),
      }),
      rest: '{"type":"user","display_name":"Someone"}',
    },
    others: stage.others,
    misbehave: played.misbehave,
    ...(overTls !== undefined && {
      tls: stage.certificates[overTls === 'loopback' ? 'good' : 'bitbucket.invalid'],
    }),
  })
  const url = `${overTls === undefined ? 'http' : 'https'}://${host}:${server.port}`
  const tree = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-fault-'))
  try {
    const temp = join(tree, 'temp')
    mkdirSync(temp)
    const files = Object.fromEntries(
      ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => [
        name,
        join(tree, name),
      ]),
    )
    for (const file of Object.values(files)) writeFileSync(file, '')
    const started = performance.now()
    const run = await runBundle({
      cwd: tree,
      env: {
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        RUNNER_TEMP: temp,
        GITHUB_WORKSPACE: tree,
        NODE_EXTRA_CA_CERTS: stage.authority.authority,
        ...files,
        ...(lookups !== undefined && { LOOKUPS: lookups }),
        ...Object.fromEntries(
          Object.entries({ url, 'api-url': url, ...credential, ...played.inputs }).map(([name, value]) => [
            `INPUT_${name.toUpperCase()}`,
            value,
          ]),
        ),
      },
      ...(lookups !== undefined && { preload: lookupsModule }),
    })
    const seconds = performance.now() - started
    const token =
      { 'api-token': given.apiToken, 'access-token': given.accessToken }[kind as string] ?? given.issued
    return judge({ run, played, server, seconds, token, given, tree, secrets })
  } finally {
    rmSync(tree, { recursive: true, force: true })
    await server.close()
  }
}

interface Evidence {
  readonly run: Finished
  readonly played: Case
  readonly server: FaultServer
  /** Milliseconds that the run took. */
  readonly seconds: number
  readonly token: string
  readonly given: { readonly issuedRefresh: string }
  readonly tree: string
  readonly secrets: Secrets
}

function judge({ run, played, server, seconds, token, given, tree, secrets }: Evidence): Played {
  const complaints: string[] = []
  const { expected } = played
  const said = `${run.stdout}${run.stderr}`
  const told = said.split('\n').filter((line) => line !== '' && !line.startsWith('::add-mask::'))
  const read = (name: string) => parseCommandFile(readFileSync(join(tree, name), 'utf8'))
  const [outputs, env, left] = [read('GITHUB_OUTPUT'), read('GITHUB_ENV'), filesIn(join(tree, 'temp'))]

  if (run.status !== expected.status)
    complaints.push(`exit ${run.signal ?? run.status}, not ${expected.status}`)
  const tried = lookupsMeetNobody(played) ? retriesIn(said) + 1 : server.tries()
  if (tried !== expected.tries) complaints.push(`${tried} tries, not ${expected.tries}`)
  const final = told.slice(told.findIndex((line) => line.startsWith('::error'))).join('\n')
  if (expected.says !== undefined && !expected.says.test(final))
    complaints.push(`does not say ${expected.says}`)

  // Whatever was expected: success is a whole token in every place it belongs, failure is nothing anywhere.
  const file = outputs['git-credentials-file']
  const isWhole =
    outputs['access-token'] === token &&
    env['BITBUCKET_ACCESS_TOKEN'] === token &&
    (env['BITBUCKET_AUTHORIZATION'] ?? '') === (outputs['authorization'] ?? '') &&
    file !== undefined &&
    left.includes(file) &&
    readFileSync(file, 'utf8').includes(encodeURIComponent(token)) &&
    (played.kind !== 'refresh-token' || outputs['refresh-token'] === given.issuedRefresh)
  const silent = run.status === 0 && !isWhole
  if (silent) complaints.push('exit 0 without a whole token')
  if (run.status !== 0) {
    if (!/^::error/m.test(said)) complaints.push('failed without a message')
    const handed = [...Object.keys(outputs), ...Object.keys(env), ...left]
    if (handed.length > 0) complaints.push(`failed, but handed over ${handed.join(', ')}`)
  }
  const hung = run.signal !== null || seconds > played.limit
  if (hung) complaints.push(`took ${Math.round(seconds)} ms`)
  let leaked = false
  try {
    assertNoSecret({ ...run, tree, bitbucket: { secrets } })
  } catch (error) {
    leaked = true
    complaints.push(String(error))
  }
  // A fault's own words, when they are a token that is not to be had.
  if (/must-not-show|PATH=\/evil|add-path/.test(told.join('\n'))) {
    leaked = true
    complaints.push('repeats what the fault said')
  }
  if (complaints.length > 0) complaints.push(told.join('\n    ').slice(0, 1_000))
  return { complaints, tries: tried, succeeded: run.status === 0, leaked, hung, silent }
}

/** Where no name is found or nobody listens, the server cannot count. */
const lookupsMeetNobody = ({ lookups }: Case): boolean => lookups !== undefined
const retriesIn = (said: string): number => said.split(/Try \d+ of \d+ follows/).length - 1

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Runs all, so many at once. */
export async function inParallel<T>(most: number, tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async () => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) results.push(await task())
  }
  await Promise.all(Array.from({ length: most }, worker))
  return results
}
