import { onTestFinished } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts'

/** A sandbox that ends with the test. */
export async function start(options?: SandboxOptions): Promise<Sandbox> {
  const sandbox = await startSandbox(options)
  onTestFinished(() => sandbox.close())
  return sandbox
}

/** A clock that only the test moves. */
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

/** Everything about an answer that the sandbox decides. */
export interface Heard {
  status: number
  type: string | null
  text: string
  headers: Headers
}

async function hear(response: Response): Promise<Heard> {
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
    headers: response.headers,
  }
}

/** Posts a form to the token endpoint, as the sandbox's own consumer unless told otherwise. */
export async function askToken(
  sandbox: Sandbox,
  form: Record<string, string>,
  { clientId, clientSecret } = sandbox.credentials as { clientId: string; clientSecret: string },
): Promise<Heard> {
  return hear(
    await fetch(`${sandbox.url}/site/oauth2/access_token`, {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret) },
      body: new URLSearchParams(form),
    }),
  )
}

/** The tokens of a grant that must succeed. */
export async function grant(
  sandbox: Sandbox,
  form: Record<string, string>,
): Promise<{ access_token: string; refresh_token: string }> {
  const { status, text } = await askToken(sandbox, form)
  if (status !== 200) throw new Error(`No grant: ${status} ${text}`)
  return JSON.parse(text)
}

/** Calls REST with an Authorization header, or as a stranger. */
export async function askRest(
  sandbox: Sandbox,
  path: string,
  authorization?: string,
  init: RequestInit = {},
): Promise<Heard> {
  const headers = authorization === undefined ? {} : { authorization }
  return hear(await fetch(`${sandbox.apiUrl}${path}`, { headers, ...init }))
}

export async function ask(url: string, init?: RequestInit): Promise<Heard> {
  return hear(await fetch(url, init))
}
