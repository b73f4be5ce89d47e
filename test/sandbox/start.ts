import { onTestFinished, test as plainTest } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts'

/** Starts a sandbox, and closes it after the test. */
export async function start(options?: SandboxOptions): Promise<Sandbox> {
  const sandbox = await startSandbox(options)
  onTestFinished(() => sandbox.close())
  return sandbox
}

/** `test` with a sandbox for each test that asks for it. */
export const test = plainTest.extend('sandbox', () => start())

/** Returns a clock that only the test moves. */
export function clock() {
  let time = Date.parse('2026-11-01T12:00:00Z')
  return {
    now: () => time,
    advance: (seconds: number) => {
      time += seconds * 1000
    },
  }
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** An answer of the sandbox. */
export interface Received {
  status: number
  type: string | null
  text: string
  headers: Headers
}

async function receive(response: Response): Promise<Received> {
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
    headers: response.headers,
  }
}

/** Posts a form to the token endpoint. The default consumer is the sandbox's own. */
export async function askToken(
  sandbox: Sandbox,
  form: Record<string, string>,
  { clientId, clientSecret } = sandbox.credentials as { clientId: string; clientSecret: string },
): Promise<Received> {
  return receive(
    await fetch(`${sandbox.url}/site/oauth2/access_token`, {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret) },
      body: new URLSearchParams(form),
    }),
  )
}

/** Performs a grant that must succeed, and returns its tokens. */
export async function grant(
  sandbox: Sandbox,
  form: Record<string, string>,
): Promise<{ access_token: string; refresh_token: string }> {
  const { status, text } = await askToken(sandbox, form)
  if (status !== 200) throw new Error(`No grant: ${status} ${text}`)
  return JSON.parse(text)
}

/** Calls REST, with or without an Authorization header. */
export async function askRest(
  sandbox: Sandbox,
  path: string,
  authorization?: string,
  init: RequestInit = {},
): Promise<Received> {
  const headers = authorization === undefined ? {} : { authorization }
  return receive(await fetch(`${sandbox.apiUrl}${path}`, { headers, ...init }))
}

export async function ask(url: string, init?: RequestInit): Promise<Received> {
  return receive(await fetch(url, init))
}
