import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type StreamedAnswer, send, text } from './exchange.ts'
import { type GitRoot, gitEnvironment } from './git-repositories.ts'

/** An authorized request to `git http-backend`. */
export interface GitRequest {
  /** `/workspace/slug.git/…` below the root. */
  path: string
  query: string
  /** Who pushes or fetches. http-backend accepts a push only if there is a name. */
  user: string
}

/** Runs one `git http-backend` process for each request, through CGI (git-http-backend(1), RFC 3875). */
export class GitBackend {
  readonly #running = new Set<ChildProcessWithoutNullStreams>()

  serve(root: GitRoot, request: GitRequest): StreamedAnswer {
    return (req, res) => {
      // The client may have disconnected while the repository was being created.
      if (res.destroyed) return
      const env = { ...gitEnvironment(root.directory), ...cgiVariables(root, request, req) }
      const child = spawn(root.httpBackend, { env, cwd: root.directory })
      this.#running.add(child)
      // Without a listener, an error would end the whole process. The client gets the 500 below.
      child.once('error', () => {})
      child.once('close', () => this.#running.delete(child))
      // If nobody reads it, the pipe could fill up and block the child.
      child.stderr.resume()
      // The child may stop reading when it has all it needs, which is not an error.
      child.stdin.on('error', () => {})
      req.pipe(child.stdin)
      streamAnswer(child, res)
      res.once('close', () => child.kill())
    }
  }

  /** Waits for the processes that still run. Each is killed when its connection ends. */
  async finished(): Promise<void> {
    await Promise.allSettled([...this.#running].map((child) => once(child, 'close')))
  }
}

function cgiVariables(root: GitRoot, request: GitRequest, req: IncomingMessage): Record<string, string> {
  const header = (variable: string, name: string) => {
    const value = req.headers[name]
    return typeof value === 'string' ? { [variable]: value } : {}
  }
  return {
    GIT_PROJECT_ROOT: root.directory,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: req.method ?? 'GET',
    PATH_INFO: request.path,
    QUERY_STRING: request.query,
    REMOTE_USER: request.user,
    REMOTE_ADDR: '127.0.0.1',
    ...header('CONTENT_TYPE', 'content-type'),
    // A large push is chunked and has no length. http-backend then reads to the end.
    ...header('CONTENT_LENGTH', 'content-length'),
    // git compresses its want lists with gzip. http-backend decompresses them itself.
    ...header('HTTP_CONTENT_ENCODING', 'content-encoding'),
    ...header('GIT_PROTOCOL', 'git-protocol'),
  }
}

/** Converts the CGI header to an HTTP header and streams the rest. */
function streamAnswer(child: ChildProcessWithoutNullStreams, res: ServerResponse): void {
  let head = Buffer.alloc(0)
  const readHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    child.stdout.off('data', readHead)
    const { status, headers } = parseCgiHeader(head.subarray(0, end).toString('latin1'))
    res.writeHead(status, headers)
    res.write(head.subarray(end + 4))
    child.stdout.pipe(res)
  }
  child.stdout.on('data', readHead)
  child.once('close', () => {
    if (!res.headersSent && !res.destroyed) send(res, text(500, 'git http-backend gave no answer.'))
  })
}

function parseCgiHeader(text: string): { status: number; headers: Record<string, string> } {
  const headers: Record<string, string> = {}
  let status = 200
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'status') status = Number.parseInt(value, 10)
    else headers[name] = value
  }
  return { status, headers }
}
