/** @module-tag openssl */
import { createServer } from 'node:https'
import { join } from 'node:path'
import { pathWithoutProject, runBundle } from '../e2e/support/program.ts'
import { makeTree } from '../e2e/support/run.ts'
import { type Certificates, makeAuthority } from '../faults/certificates.ts'
import { connectProxy } from '../support/connect-proxy.ts'
import { listening } from '../support/loopback.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { combinations, hostile } from './table.ts'

// Somebody sits between the program and Bitbucket, and the job has turned off certificate checks for another program.

interface Impostor {
  readonly requests: string[]
  readonly port: number
}

/** Starts a server that answers every request with a token and records the requests. */
async function impostor(options: object): Promise<Impostor> {
  const requests: string[] = []
  const token = {
    access_token: 'a-token-of-the-impostor',
    token_type: 'bearer',
    expires_in: 7200,
    scope: 'repository',
  }
  const server = createServer(options, (request, response) => {
    requests.push(`${request.method} ${request.headers.host}${request.url}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token))
  })
  server.on('tlsClientError', () => {})
  return { requests, port: Number(new URL(await listening(server)).port) }
}

type Environment = Readonly<Record<string, string>>

/** How the program reaches the impostor: the name in the certificate, and the job's variables. */
const routes: Readonly<
  Record<string, (to: Impostor, authority: Certificates) => Promise<{ name: string; env: Environment }>>
> = {
  directly: async ({ port }) => ({ name: 'localhost', env: { BITBUCKET_URL: `https://localhost:${port}` } }),
  'through a proxy': async ({ port }) => ({
    name: 'bitbucket.org',
    env: { HTTPS_PROXY: (await connectProxy({ to: port })).url },
  }),
  'through a proxy that speaks TLS': async ({ port }, authority) => ({
    name: 'bitbucket.org',
    env: { https_proxy: (await connectProxy({ to: port }, authority.sign('localhost'))).url },
  }),
}

/** What is wrong with the certificate. */
const faults: Readonly<Record<string, (name: string, authority: Certificates) => object>> = {
  'a certificate of an unknown authority': (name, authority) => authority.sign(name, { by: 'stranger' }),
  'a certificate for another name': (_, authority) => authority.sign('elsewhere.example'),
  'TLS 1.1': (name, authority) => ({
    ...authority.sign(name),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  }),
}

/** Variables that make other programs accept any certificate. */
const insecure: Environment = {
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0',
  NODE_NO_WARNINGS: '1',
  npm_config_strict_ssl: 'false',
  GIT_SSL_NO_VERIFY: '1',
  BITBUCKET_CLIENT_ID: 'the-client',
  BITBUCKET_CLIENT_SECRET: 'uTHbNYGSp5ShOSz5cJxF',
  BITBUCKET_RETRIES: '0',
}

/** Runs the program against the impostor. The route is computed twice, because the name is needed before the server starts. */
async function runAgainst(
  route: string,
  fault: (name: string, authority: Certificates) => object,
  args: readonly string[],
) {
  const directory = temporaryDirectory()
  const authority = makeAuthority(directory)
  const find = routes[route]
  if (find === undefined) throw new Error(route)
  const { name } = await find({ requests: [], port: 9 }, authority)
  const server = await impostor(fault(name, authority))
  const { env } = await find(server, authority)
  const run = await runBundle({
    args,
    cwd: makeTree(),
    env: {
      PATH: pathWithoutProject,
      ...insecure,
      ...env,
      NODE_EXTRA_CA_CERTS: join(directory, 'authority.pem'),
    },
  })
  return { ...run, requests: server.requests }
}

const throughRoutes = combinations(Object.keys(routes), Object.entries(faults))

hostile([
  ...throughRoutes.map(([route, [fault, make]]) => ({
    kind: 'a secret sent to a server without a valid certificate',
    name: `${fault}, ${route}`,
    attempt: async () => {
      const { requests, status, stderr } = await runAgainst(route, make, ['print'])
      if (requests.length > 0) return requests.join()
      return status === 5 && /NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored/.test(stderr)
        ? undefined
        : `${status}: ${stderr}`
    },
  })),
  // The same routes with a valid certificate, because without them the cases above would prove nothing.
  ...Object.keys(routes).map((route) => ({
    kind: 'a valid certificate of an authority in NODE_EXTRA_CA_CERTS that is refused',
    name: route,
    attempt: async () => {
      const { requests, status, stderr } = await runAgainst(
        route,
        (name, authority) => authority.sign(name),
        ['print'],
      )
      return requests.length === 1 && status === 0 ? undefined : `${status}: ${stderr}`
    },
  })),
  ...(['acquire', 'check', 'git-credential'] as const).map((command) => ({
    kind: 'a secret sent to a server without a valid certificate',
    name: `${command}, through a proxy`,
    attempt: async () => {
      const args = command === 'git-credential' ? [command, 'get'] : [command]
      const { requests } = await runAgainst(
        'through a proxy',
        (name, authority) => authority.sign(name, { by: 'stranger' }),
        args,
      )
      return requests.length > 0 ? requests.join() : undefined
    },
  })),
  {
    kind: 'a secret sent to a server without a valid certificate',
    name: 'a store of refresh tokens',
    attempt: async () => {
      const authority = makeAuthority(temporaryDirectory())
      const server = await impostor(authority.sign('localhost', { by: 'stranger' }))
      const { status } = await runBundle({
        cwd: makeTree(),
        env: {
          ...insecure,
          BITBUCKET_REFRESH_TOKEN: 'a-refresh-token-of-the-job',
          BITBUCKET_SAVE_REFRESH_TOKEN: 'gitlab-variable:TOKEN',
          BITBUCKET_GITLAB_TOKEN: 'glpat-0123456789abcdef',
          CI_PROJECT_ID: '7',
          CI_API_V4_URL: `https://localhost:${server.port}/api/v4`,
        },
      })
      return server.requests.length === 0 && status === 4 ? undefined : `${status}: ${server.requests.join()}`
    },
  },
])
