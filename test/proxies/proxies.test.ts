/** @module-tag openssl */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Finished, runBundle } from '../e2e/support/program.ts'
import { Secrets, secretsIn } from '../e2e/support/secrets.ts'
import { type Certificates, makeAuthority } from '../faults/certificates.ts'
import { type FaultServer, startFaultServer } from '../faults/server.ts'
import { closedPort } from '../support/loopback.ts'

// Uses real proxies from Debian, in front of a server with an invented name and a certificate of a private authority.
const name = 'bitbucket.test'
/** squid's password has characters that a URL must encode. tinyproxy's configuration does not accept such characters. */
const passwords = {
  squid: 'Qz%7@kV:4x/Wm9RtB2nLc8',
  tinyproxy: 'Zk4vQ8nR2mXw7LcT5bHd',
}
const clientSecret = 'client-secret-that-must-not-show-0123456789'
const issued = 'issued-token-that-must-not-show-0123456789'

interface Proxy {
  /** `127.0.0.1:<port>` */
  readonly address: string
  /** Returns the log of this test's connections. */
  readonly log: () => string
}

let directory: string
let authority: Certificates
let target: FaultServer
const children: ChildProcess[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-proxies-'))
  // A proxy that root starts runs as another user.
  chmodSync(directory, 0o755)
  authority = makeAuthority(directory)
  target = await startFaultServer({
    good: {
      token: JSON.stringify({ access_token: issued, token_type: 'bearer', expires_in: 7200 }),
      rest: '{"type":"user"}',
    },
    others: { port: '', host: '' },
    misbehave: () => undefined,
    tls: authority.sign(name),
  })
})

afterAll(async () => {
  await Promise.all(
    children.map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) return resolve()
          child.once('exit', () => resolve())
          child.kill('SIGKILL')
        }),
    ),
  )
  await target.close()
  rmSync(directory, { recursive: true, force: true })
})

const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

/** Starts a proxy in the foreground and waits until it accepts connections. */
async function start(program: string, args: readonly string[], port: number): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  children.push(child)
  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy())
    })
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    if (await isOpen()) return
    await sleep(50)
  }
  throw new Error(`${program} did not start: ${said}`)
}

/** Creates a directory for a proxy's configuration, log and process id. Returns a function that makes paths in it. */
function place(kind: string): (file: string) => string {
  const own = mkdtempSync(join(directory, `${kind}-`))
  mkdirSync(join(own, 'log'))
  for (const path of [own, join(own, 'log')]) chmodSync(path, 0o777)
  return (file) => join(own, file)
}

const logOf = (path: string) => () => readFileSync(path, 'utf8')

interface Options {
  readonly password?: true
  readonly refuses?: true
}

async function squid({ password: wanted, refuses }: Options = {}): Promise<Proxy> {
  const at = place('squid')
  const port = await closedPort()
  writeFileSync(at('hosts'), `127.0.0.1 ${name}\n`)
  if (wanted)
    writeFileSync(
      at('passwords'),
      `user:${execFileSync('openssl', ['passwd', '-apr1', passwords.squid]).toString()}`,
    )
  writeFileSync(
    at('squid.conf'),
    lines(
      `http_port 127.0.0.1:${port}`,
      `hosts_file ${at('hosts')}`,
      `pid_filename ${at('pid')}`,
      `access_log stdio:${at('log/access')}`,
      `cache_log ${at('log/cache')}`,
      `coredump_dir ${at('log')}`,
      'cache deny all',
      'pinger_enable off',
      'shutdown_lifetime 0 seconds',
      'logfile_rotate 0',
      ...(wanted
        ? [
            `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${at('passwords')}`,
            'auth_param basic children 1 startup=1 idle=1',
            'acl known proxy_auth REQUIRED',
            'http_access allow known',
          ]
        : []),
      refuses || wanted ? 'http_access deny all' : 'http_access allow all',
    ),
  )
  writeFileSync(at('log/access'), '')
  chmodSync(at('log/access'), 0o666)
  // -N starts no other process, so ending this one ends squid.
  await start('squid', ['-N', '-f', at('squid.conf')], port)
  return { address: `127.0.0.1:${port}`, log: logOf(at('log/access')) }
}

/** tinyproxy has no hosts file of its own, so it forwards requests to a squid that knows the invented name. */
async function tinyproxy({ password: wanted, refuses }: Options = {}): Promise<Proxy> {
  const at = place('tinyproxy')
  const port = await closedPort()
  if (refuses) writeFileSync(at('filter'), '.*\n')
  writeFileSync(
    at('tinyproxy.conf'),
    lines(
      `Port ${port}`,
      'Listen 127.0.0.1',
      'Timeout 20',
      `LogFile "${at('log/access')}"`,
      'LogLevel Connect',
      `PidFile "${at('pid')}"`,
      'MaxClients 10',
      // tinyproxy can only use the system's resolver, so every request goes on to a squid that knows the invented name.
      `Upstream http ${(await upstream()).address}`,
      ...(wanted ? [`BasicAuth user ${passwords.tinyproxy}`] : []),
      ...(refuses ? [`Filter "${at('filter')}"`] : []),
    ),
  )
  writeFileSync(at('log/access'), '')
  chmodSync(at('log/access'), 0o666)
  await start('tinyproxy', ['-d', '-c', at('tinyproxy.conf')], port)
  return { address: `127.0.0.1:${port}`, log: logOf(at('log/access')) }
}

let shared: Promise<Proxy> | undefined
const upstream = () => {
  shared ??= squid()
  return shared
}

interface Outcome extends Finished {
  /** How many requests reached the server behind the proxy. */
  readonly requests: number
}

/** Gets a token in a plain shell, with the proxy that the variables name. */
async function acquire(env: Readonly<Record<string, string>>, retries = '1'): Promise<Outcome> {
  const before = target.tries()
  const url = `https://${name}:${target.port}`
  const run = await runBundle({
    args: ['print'],
    cwd: directory,
    env: {
      NODE_EXTRA_CA_CERTS: authority.authority,
      BITBUCKET_URL: url,
      BITBUCKET_API_URL: url,
      BITBUCKET_CLIENT_ID: 'the-key',
      BITBUCKET_CLIENT_SECRET: clientSecret,
      BITBUCKET_RETRIES: retries,
      ...env,
    },
  })
  const secrets = new Secrets()
  for (const [value, what] of [
    [passwords.squid, 'the password'],
    [passwords.tinyproxy, 'the password'],
    [clientSecret, 'the client secret'],
    [issued, 'the token'],
  ] as const) {
    secrets.add(value, what)
  }
  expect(secretsIn(run.stderr, secrets)).toEqual([])
  expect(run.stdout.trim()).toBe(run.status === 0 ? issued : '')
  return { ...run, requests: target.tries() - before }
}

const withPassword = (address: string, given: string) => `http://user:${encodeURIComponent(given)}@${address}`

for (const [kind, startProxy] of [
  ['squid', squid],
  ['tinyproxy', tinyproxy],
] as const)
  describe(kind, { tags: ['squid', kind] }, () => {
    test('reaches an https server through CONNECT, with a private authority', async () => {
      const proxy = await startProxy()
      expect(await acquire({ HTTPS_PROXY: `http://${proxy.address}` })).toMatchObject({
        status: 0,
        requests: 1,
      })
      expect(proxy.log()).toContain(`CONNECT`)
      expect(proxy.log()).toContain(name)
      // curl reads the lower-case variable, and most machines set that one.
      expect(await acquire({ https_proxy: `http://${proxy.address}` })).toMatchObject({
        status: 0,
        requests: 1,
      })

      // A proxy must not make the program trust the server's certificate.
      const { status, stderr, requests } = await acquire({
        HTTPS_PROXY: `http://${proxy.address}`,
        NODE_EXTRA_CA_CERTS: '/dev/null',
      })
      expect({ status, requests }).toEqual({ status: 5, requests: 1 })
      expect(stderr).toContain(`the certificate of ${name}:${target.port} was not accepted`)
      expect(stderr).toContain('NODE_EXTRA_CA_CERTS')
    })

    test('does not use the proxy for a host in NO_PROXY', async () => {
      const proxy = await startProxy()
      const { status, stderr, requests } = await acquire({
        HTTPS_PROXY: `http://${proxy.address}`,
        NO_PROXY: name,
      })
      // Only the proxy can resolve the name.
      expect(stderr).toContain(`the name ${name} could not be resolved`)
      expect({ status, requests }).toEqual({ status: 5, requests: 0 })
      expect(proxy.log()).not.toContain(name)
      const others = { HTTPS_PROXY: `http://${proxy.address}`, NO_PROXY: 'localhost,example.com' }
      expect(await acquire(others)).toMatchObject({ status: 0, requests: 1 })
    })

    test('sends a password, and reports a wrong one', async () => {
      const proxy = await startProxy({ password: true })
      expect(await acquire({ HTTPS_PROXY: withPassword(proxy.address, passwords[kind]) })).toMatchObject({
        status: 0,
        requests: 1,
      })
      for (const wrong of [withPassword(proxy.address, 'wrong'), `http://${proxy.address}`]) {
        const { status, stderr, requests } = await acquire({ HTTPS_PROXY: wrong })
        expect({ status, requests }).toEqual({ status: 5, requests: 0 })
        // tinyproxy answers 401 to a wrong password, and 407 only if there is none.
        expect(stderr).toMatch(
          /the proxy refused the connection to \S+ with status (407|401)\. Retrying will not help/,
        )
        expect(stderr).toContain('http://user:password@proxy:port, percent-encoded')
      }
    })

    test('reports a proxy that does not allow the host', async () => {
      const proxy = await startProxy({ refuses: true })
      const { status, stderr, requests } = await acquire({ HTTPS_PROXY: `http://${proxy.address}` })
      expect({ status, requests }).toEqual({ status: 5, requests: 0 })
      expect(stderr).toContain(
        `the proxy refused the connection to ${name}:${target.port} with status 403. Retrying will not help`,
      )
      expect(stderr).toContain('NO_PROXY')
    })
  })

test('reports a proxy that is down', async () => {
  const { status, stderr, requests } = await acquire({
    HTTPS_PROXY: withPassword(`127.0.0.1:${await closedPort()}`, passwords.squid),
  })
  expect({ status, requests }).toEqual({ status: 5, requests: 0 })
  expect(stderr).toContain('the proxy could not be reached (ECONNREFUSED). Gave up after 2 tries.')
})

test('reports a proxy address without a scheme, and does not bypass the proxy', {
  tags: ['squid'],
}, async () => {
  const { status, stderr, requests } = await acquire({
    HTTPS_PROXY: `user:${passwords.tinyproxy}@${(await upstream()).address}`,
  })
  expect({ status, requests }).toEqual({ status: 5, requests: 0 })
  expect(stderr).toContain('the proxy address in HTTPS_PROXY is not valid')
})
