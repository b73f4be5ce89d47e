import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertNoSecret } from '../e2e/support/canary.ts'
import { Secrets } from '../e2e/support/secrets.ts'
import { type HostOfFault, hosts, type Results } from './hosts.ts'
import type { Relay } from './relay.ts'
import { type FaultServer, startFaultServer } from './server.ts'
import type { Stage } from './stage.ts'
import { type Ended, inProcess, type Starter } from './start.ts'
import { type Fault, type Kind, kinds, type Mode } from './table.ts'

export interface Played {
  readonly name: string
  /** Empty where all was as it must be. */
  readonly complaints: readonly string[]
  readonly tries: number
  readonly succeeded: boolean
  readonly leaked: boolean
  readonly hung: boolean
  /** Exit status 0 without a whole token. */
  readonly silent: boolean
  /** A refresh token that Bitbucket had given, and that is nowhere. */
  readonly lost: boolean
  /** Milliseconds past its timeout. */
  readonly late: number
}

/** What one run must come to. */
interface Expected {
  readonly status: number
  readonly tries: number
  readonly says: RegExp | undefined
}

/** @param start in this process no time passes; a process needs some of it even on a busy machine */
function timesOf(fault: Fault, mode: Mode, start: Starter) {
  const retries = { once: 0, 'once, then well': 2, 'for ever': 2 }[mode]
  // A silent try takes a third of the time, and after a 429 the wait before the last one half of what is left.
  return { retries, timeout: start === inProcess ? 60 : fault.waits ? 6 : 15 }
}

function expectedOf(fault: Fault, kind: Kind, mode: Mode, retries: number): Expected {
  const { says } = fault
  switch (fault.outcomes[kinds[kind].meets]) {
    case 'done':
      return { status: 0, tries: 1, says: undefined }
    case 'refused':
      return { status: 3, tries: 1, says }
    case 'unreadable':
      return {
        status: 4,
        tries: 1,
        says: /(?:it cannot read|it lacks a scope for reading) acme\/web \(status \d+/,
      }
    case 'denied':
      return { status: 4, tries: 1, says }
    case 'unusable':
      return { status: 5, tries: 1, says }
    case 'retried':
      return mode === 'once, then well'
        ? { status: 0, tries: 2, says: undefined }
        : { status: 5, tries: retries + 1, says }
  }
}

/** One row of the table, met by one kind of credential in one way. */
export interface Meeting {
  readonly fault: Fault
  readonly kind: Kind
  readonly mode: Mode
  readonly host?: HostOfFault
}

/** Plays a row once. */
export function play({ fault, kind, mode, host = 'github' }: Meeting, stage: Stage, start: Starter) {
  const { wellBefore } = kinds[kind]
  const misbehave = (number: number) => {
    if (number < wellBefore || (mode === 'once, then well' && number > wellBefore)) return undefined
    return fault.certificate === undefined ? fault : { ...fault, tls: stage.certificates[fault.certificate] }
  }
  const { retries, timeout } = timesOf(fault, mode, start)
  const { lookups, overTls } = fault
  return playCase({
    name: `${fault.name}, ${mode}, ${kind}, ${host}`,
    kind,
    host,
    stage,
    start,
    misbehave,
    retries,
    timeout,
    expected: () => expectedOf(fault, kind, mode, retries),
    ...(overTls !== undefined && { overTls }),
    ...(lookups !== undefined && {
      address: lookups.host,
      lookups: [
        ...Array.from({ length: wellBefore }, () => '127.0.0.1'),
        lookups.faulty,
        ...(mode === 'once, then well' ? ['127.0.0.1'] : []),
      ].join(),
    }),
  })
}

export interface Case {
  readonly name: string
  readonly kind: Kind
  readonly host: HostOfFault
  readonly stage: Stage
  readonly start: Starter
  readonly misbehave: Parameters<typeof startFaultServer>[0]['misbehave']
  readonly retries: number
  /** Seconds. */
  readonly timeout: number
  /** Asked for when the run is over. */
  readonly expected: () => Expected
  readonly overTls?: NonNullable<Fault['overTls']>
  /** What the program takes for Bitbucket's address. */
  readonly address?: string
  readonly lookups?: string
  /** Stands between the program and the server. */
  readonly between?: (port: number, onSilence: () => void) => Promise<Pick<Relay, 'port' | 'close'>>
}

// With characters that are something else in a form, a URL or base64, as real ones have.
const secret = (prefix = '') =>
  prefix + ['+', '/', '=', '&', '%', '~'].map((odd) => randomBytes(4).toString('hex') + odd).join('')
export const given = {
  'client secret': secret(),
  'refresh token': secret(),
  'api token': secret('ATATT3x'),
  'access token': secret('ATCTT3x'),
  'connect shared secret': secret(),
  'issued access token': secret(),
  'issued refresh token': secret(),
} as const
const secrets = new Secrets()
for (const [name, value] of Object.entries(given)) secrets.add(value, name)

const client = { 'client-id': 'the-key', 'client-secret': given['client secret'] }
const inputsOf: Readonly<Record<(typeof kinds)[Kind]['credential'], Readonly<Record<string, string>>>> = {
  'client-credentials': client,
  'refresh-token': { ...client, 'refresh-token': given['refresh token'] },
  'api-token': { email: 'someone@example.com', 'api-token': given['api token'] },
  'access-token': { 'access-token': given['access token'] },
  jwt: {
    'connect-app-key': 'com.example.app',
    'connect-client-key': 'the-installation',
    'connect-shared-secret': given['connect shared secret'],
  },
}

/** What a healthy Bitbucket answers to a kind of credential. */
export const goodAnswersFor = (kind: Kind) => ({
  token: JSON.stringify({
    access_token: given['issued access token'],
    token_type: 'bearer',
    expires_in: 7200,
    scope: 'account repository',
    ...(kinds[kind].credential === 'refresh-token' && { refresh_token: given['issued refresh token'] }),
  }),
  rest: '{"type":"user","display_name":"Someone"}',
})

export async function playCase(played: Case): Promise<Played> {
  const { kind, host, stage, start, overTls, address = '127.0.0.1', lookups } = played
  const { credential, inputs } = kinds[kind]
  let silence = () => {}
  const server = await startFaultServer({
    good: goodAnswersFor(kind),
    others: stage.others,
    misbehave: played.misbehave,
    onSilence: () => silence(),
    ...(overTls !== undefined && {
      tls: stage.certificates[overTls === 'loopback' ? 'good' : 'bitbucket.invalid'],
    }),
  })
  const relay = await played.between?.(server.port, () => silence())
  const url = `${overTls === undefined ? 'http' : 'https'}://${address}:${relay?.port ?? server.port}`
  const tree = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-fault-'))
  try {
    const further = Object.entries(inputs).map(([name, value]) => [name, value.replace('<tree>', tree)])
    const env = hosts[host].prepare(tree, {
      url,
      'api-url': url,
      ...inputsOf[credential],
      ...Object.fromEntries(further),
      retries: String(played.retries),
      timeout: String(played.timeout),
      // The more is said, the more could be seen.
      ...(start === inProcess && { debug: 'true' }),
    })
    const running = start({
      cwd: tree,
      env: { ...env, NODE_EXTRA_CA_CERTS: stage.authority.authority },
      lookups,
    })
    silence = running.silence
    return judge({ ended: await running.ended, played, server, tree })
  } finally {
    rmSync(tree, { recursive: true, force: true })
    await relay?.close()
    await server.close()
  }
}

/** Milliseconds past its own timeout that a process may take to start and end on a machine that does much else. */
const patience = 8_000

interface Evidence {
  readonly ended: Ended
  readonly played: Case
  readonly server: FaultServer
  readonly tree: string
}

function judge({ ended, played, server, tree }: Evidence): Played {
  const complaints: string[] = []
  const expected = played.expected()
  const { credential, wellBefore } = kinds[played.kind]
  const said = `${ended.stdout}${ended.stderr}`
  const told = said.split('\n').filter((line) => line !== '' && !line.startsWith('::add-mask::'))
  const { error, results } = hosts[played.host]
  const { tokens, left, ...kept } = results(tree)

  if (ended.status !== expected.status)
    complaints.push(`exit ${ended.signal ?? ended.status}, not ${expected.status}`)
  // Where no name is found or nobody listens, the server cannot count.
  const tried = played.lookups === undefined ? server.tries() - wellBefore : retriesIn(said) + 1
  if (tried !== expected.tries) complaints.push(`${tried} tries, not ${expected.tries}`)
  const final = told.slice(told.findIndex((line) => error.test(line))).join('\n')
  if (expected.says !== undefined && !expected.says.test(final))
    complaints.push(`does not say ${expected.says}`)

  // Whatever was expected: success is a whole token in every place it belongs, failure is nothing anywhere.
  const token =
    { 'api-token': given['api token'], 'access-token': given['access token'] }[credential as string] ??
    given['issued access token']
  const isWhole = Object.values(tokens).every((held) => held === token)
  const silent = ended.status === 0 && !isWhole
  if (silent) complaints.push(`exit 0 without a whole token: ${JSON.stringify(tokens)}`)
  if (ended.status !== 0) {
    if (!told.some((line) => error.test(line))) complaints.push('failed without a message')
    // The ignore file holds no secret, and hides a refresh token that is kept.
    const handedOver = left.filter((name) => !name.endsWith('.gitignore'))
    if (handedOver.length > 0) complaints.push(`failed, but handed over ${handedOver.join(', ')}`)
  }
  const issued = credential === 'refresh-token' && (ended.status === 0 || wellBefore > 0)
  const lost = issued && !isKept(kept, tree)
  if (lost) complaints.push('the new refresh token is lost')
  const late = Math.max(0, ended.took - played.timeout * 1_000)
  const hung = ended.status === null || late > patience
  if (hung) complaints.push(`took ${Math.round(ended.took)} ms`)
  let leaked = false
  try {
    assertNoSecret({ ...ended, tree, bitbucket: { secrets } })
  } catch (error) {
    leaked = true
    const { actual } = error as { actual?: unknown }
    complaints.push(`shows ${JSON.stringify(actual)}`)
  }
  // A fault's own words, when they are a token that is not to be had.
  if (/must-not-show|PATH=\/evil|add-path/.test(told.join('\n'))) {
    leaked = true
    complaints.push('repeats what the fault said')
  }
  if (complaints.length > 0) complaints.push(told.join('\n    ').slice(0, 1_000))
  const succeeded = ended.status === 0
  return { name: played.name, complaints, tries: tried, succeeded, leaked, hung, silent, lost, late }
}

/** Whether the new refresh token is handed over, or in the store that was named. */
function isKept({ refreshToken }: Pick<Results, 'refreshToken'>, tree: string): boolean {
  const store = join(tree, 'refresh-token')
  const held = existsSync(store) ? readFileSync(store, 'utf8').trim() : refreshToken
  return held === given['issued refresh token']
}

const retriesIn = (said: string): number => said.split(/Retrying in [\d.]+ s \(try \d+ of \d+\)/).length - 1

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
