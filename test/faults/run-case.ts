import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertNoSecret } from '../e2e/support/canary.ts'
import { Secrets } from '../e2e/support/secrets.ts'
import type { Fixture } from './fixture.ts'
import { type HostOfFault, hosts, type Results } from './hosts.ts'
import type { Relay } from './relay.ts'
import { type FaultServer, startFaultServer } from './server.ts'
import { type Ended, inProcess, type Starter } from './start.ts'
import { type Fault, type Kind, kinds, type Mode } from './table.ts'

export interface CaseResult {
  readonly name: string
  /** What went wrong. Empty if the run was as expected. */
  readonly problems: readonly string[]
  readonly tries: number
  readonly succeeded: boolean
  readonly leaked: boolean
  readonly hung: boolean
  /** Exit status 0 without a whole token. */
  readonly silent: boolean
  /** Bitbucket returned a new refresh token, and it is neither handed over nor stored. */
  readonly lost: boolean
  /** How late the run ended after its timeout, in milliseconds. */
  readonly late: number
}

/** The expected result of one run. */
interface Expected {
  readonly status: number
  readonly tries: number
  readonly says: RegExp | undefined
}

/** @param start in this process no real time passes; a separate process needs enough time even on a busy machine */
function timesOf(fault: Fault, mode: Mode, start: Starter) {
  const retries = { once: 0, 'once, then good': 2, always: 2 }[mode]
  // A silent try takes a third of the timeout. After a 429, the wait before the last try takes half of the rest.
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
      return mode === 'once, then good'
        ? { status: 0, tries: 2, says: undefined }
        : { status: 5, tries: retries + 1, says }
  }
}

/** A row of the table, a kind of credential and a mode. */
export interface Scenario {
  readonly fault: Fault
  readonly kind: Kind
  readonly mode: Mode
  readonly host?: HostOfFault
}

/** Runs a row once. */
export function runFault({ fault, kind, mode, host = 'github' }: Scenario, fixture: Fixture, start: Starter) {
  const { goodBefore } = kinds[kind]
  const misbehave = (number: number) => {
    if (number < goodBefore || (mode === 'once, then good' && number > goodBefore)) return undefined
    return fault.certificate === undefined
      ? fault
      : { ...fault, tls: fixture.certificates[fault.certificate] }
  }
  const { retries, timeout } = timesOf(fault, mode, start)
  const { lookups, overTls } = fault
  return runCase({
    name: `${fault.name}, ${mode}, ${kind}, ${host}`,
    kind,
    host,
    fixture,
    start,
    misbehave,
    retries,
    timeout,
    expected: () => expectedOf(fault, kind, mode, retries),
    ...(overTls !== undefined && { overTls }),
    ...(lookups !== undefined && {
      address: lookups.host,
      lookups: [
        ...Array.from({ length: goodBefore }, () => '127.0.0.1'),
        lookups.faulty,
        ...(mode === 'once, then good' ? ['127.0.0.1'] : []),
      ].join(),
    }),
  })
}

export interface Case {
  readonly name: string
  readonly kind: Kind
  readonly host: HostOfFault
  readonly fixture: Fixture
  readonly start: Starter
  readonly misbehave: Parameters<typeof startFaultServer>[0]['misbehave']
  readonly retries: number
  /** In seconds. */
  readonly timeout: number
  /** Called when the run is over. */
  readonly expected: () => Expected
  readonly overTls?: NonNullable<Fault['overTls']>
  /** The host in the program's `url`. */
  readonly address?: string
  readonly lookups?: string
  /** Starts a relay between the program and the server. */
  readonly relay?: (port: number, onSilence: () => void) => Promise<Pick<Relay, 'port' | 'close'>>
}

// Like real secrets, these have characters with a special meaning in a form, a URL or Base64.
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

/** Returns the answers of a healthy Bitbucket to a kind of credential. */
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

export async function runCase(testCase: Case): Promise<CaseResult> {
  const { kind, host, fixture, start, overTls, address = '127.0.0.1', lookups } = testCase
  const { credential, inputs } = kinds[kind]
  let silence = () => {}
  const server = await startFaultServer({
    good: goodAnswersFor(kind),
    others: fixture.others,
    misbehave: testCase.misbehave,
    onSilence: () => silence(),
    ...(overTls !== undefined && {
      tls: fixture.certificates[overTls === 'loopback' ? 'good' : 'bitbucket.invalid'],
    }),
  })
  const relay = await testCase.relay?.(server.port, () => silence())
  const url = `${overTls === undefined ? 'http' : 'https'}://${address}:${relay?.port ?? server.port}`
  const tree = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-fault-'))
  try {
    const further = Object.entries(inputs).map(([name, value]) => [name, value.replace('<tree>', tree)])
    const env = hosts[host].prepare(tree, {
      url,
      'api-url': url,
      ...inputsOf[credential],
      ...Object.fromEntries(further),
      retries: String(testCase.retries),
      timeout: String(testCase.timeout),
      // Debug output could show more secrets.
      ...(start === inProcess && { debug: 'true' }),
    })
    const running = start({
      cwd: tree,
      env: { ...env, NODE_EXTRA_CA_CERTS: fixture.authority.authority },
      lookups,
    })
    silence = running.silence
    return check({ ended: await running.ended, testCase, server, tree })
  } finally {
    rmSync(tree, { recursive: true, force: true })
    await relay?.close()
    await server.close()
  }
}

/** How many milliseconds beyond its timeout a process may need to start and end on a busy machine. */
const timeout = 8_000

interface Run {
  readonly ended: Ended
  readonly testCase: Case
  readonly server: FaultServer
  readonly tree: string
}

function check({ ended, testCase, server, tree }: Run): CaseResult {
  const problems: string[] = []
  const expected = testCase.expected()
  const { credential, goodBefore } = kinds[testCase.kind]
  const output = `${ended.stdout}${ended.stderr}`
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('::add-mask::'))
  const { error, results } = hosts[testCase.host]
  const { tokens, left, ...kept } = results(tree)

  if (ended.status !== expected.status)
    problems.push(`exit ${ended.signal ?? ended.status}, not ${expected.status}`)
  // If a lookup or connection fails, the server cannot count the tries.
  const tried = testCase.lookups === undefined ? server.tries() - goodBefore : retriesIn(output) + 1
  if (tried !== expected.tries) problems.push(`${tried} tries, not ${expected.tries}`)
  const final = lines.slice(lines.findIndex((line) => error.test(line))).join('\n')
  if (expected.says !== undefined && !expected.says.test(final))
    problems.push(`does not say ${expected.says}`)

  // After success, every place that should hold the token must hold all of it. After a failure, no place may hold any of it.
  const token =
    { 'api-token': given['api token'], 'access-token': given['access token'] }[credential as string] ??
    given['issued access token']
  const isWhole = Object.values(tokens).every((held) => held === token)
  const silent = ended.status === 0 && !isWhole
  if (silent) problems.push(`exit 0 without a whole token: ${JSON.stringify(tokens)}`)
  if (ended.status !== 0) {
    if (!lines.some((line) => error.test(line))) problems.push('failed without a message')
    // The ignore file holds no secret, and keeps git from adding a refresh token that was saved.
    const handedOver = left.filter((name) => !name.endsWith('.gitignore'))
    if (handedOver.length > 0) problems.push(`failed, but handed over ${handedOver.join(', ')}`)
  }
  const issued = credential === 'refresh-token' && (ended.status === 0 || goodBefore > 0)
  const lost = issued && !isKept(kept, tree)
  if (lost) problems.push('the new refresh token is lost')
  const late = Math.max(0, ended.took - testCase.timeout * 1_000)
  const hung = ended.status === null || late > timeout
  if (hung) problems.push(`took ${Math.round(ended.took)} ms`)
  let leaked = false
  try {
    assertNoSecret({ ...ended, tree, bitbucket: { secrets } })
  } catch (error) {
    leaked = true
    const { actual } = error as { actual?: unknown }
    problems.push(`shows ${JSON.stringify(actual)}`)
  }
  // Text of the fault that must not be repeated, such as an invalid token.
  if (/must-not-show|PATH=\/evil|add-path/.test(lines.join('\n'))) {
    leaked = true
    problems.push('repeats text of the fault')
  }
  if (problems.length > 0) problems.push(lines.join('\n    ').slice(0, 1_000))
  const succeeded = ended.status === 0
  return { name: testCase.name, problems, tries: tried, succeeded, leaked, hung, silent, lost, late }
}

/** Whether the new refresh token was handed over, or is in the store. */
function isKept({ refreshToken }: Pick<Results, 'refreshToken'>, tree: string): boolean {
  const store = join(tree, 'refresh-token')
  const held = existsSync(store) ? readFileSync(store, 'utf8').trim() : refreshToken
  return held === given['issued refresh token']
}

const retriesIn = (output: string): number =>
  output.split(/Retrying in [\d.]+ s \(try \d+ of \d+\)/).length - 1

/** Runs all tasks, at most `concurrency` at the same time. */
export async function inParallel<T>(concurrency: number, tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async () => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) results.push(await task())
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return results
}
