import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Answer, type Exchange, type StreamedAnswer, send, text } from './exchange.ts'
import type { GitRepositories } from './git-repositories.ts'
import type { Listener } from './listener.ts'
import type { Handler } from './traffic.ts'

type Method = 'GET' | 'PUT'

/**
 * The host that stores the files of Git LFS, on its own origin. A signed URL is the only permission that it accepts. It starts
 * with the first signed URL, so that a sandbox without LFS has no third port.
 */
export class LfsMedia {
  readonly #repositories: GitRepositories
  readonly #listen: (handler: Handler) => Promise<Listener>
  readonly #signed = new Map<string, { method: Method; oid: string }>()
  readonly #running = new Set<Promise<void>>()
  #listener: Promise<Listener> | undefined
  #closed = false

  constructor(repositories: GitRepositories, listen: (handler: Handler) => Promise<Listener>) {
    this.#repositories = repositories
    this.#listen = listen
  }

  /** Returns a URL that permits anyone this one action. */
  async sign(method: Method, oid: string): Promise<string> {
    // A request may still run after the sandbox was closed, and must not open a port then.
    if (this.#closed) throw new Error('The sandbox is closed')
    this.#listener ??= this.#listen(async (exchange) => this.#answer(exchange))
    const { url } = await this.#listener
    const token = randomBytes(24).toString('base64url')
    this.#signed.set(token, { method, oid })
    return `${url}/file/${oid}/binary?token=${token}`
  }

  /** Returns the size in bytes, or undefined if there is no such object. */
  async size(oid: string): Promise<number | undefined> {
    const found = await stat(await this.#file(oid)).catch(() => undefined)
    return found?.size
  }

  async close(): Promise<void> {
    this.#closed = true
    const listener = await this.#listener?.catch(() => undefined)
    await listener?.close()
    await Promise.all(this.#running)
  }

  async #answer({ req, url }: Exchange): Promise<Answer | StreamedAnswer> {
    // Like S3, refuses a request with both a signed URL and a header. This also reveals a credential sent to the wrong host.
    if (req.headers.authorization !== undefined) {
      return text(
        400,
        'Only one auth mechanism allowed: this URL is signed, so send no Authorization header.',
      )
    }
    const signed = this.#signed.get(url.searchParams.get('token') ?? '')
    const isSigned = signed?.method === req.method && url.pathname === `/file/${signed?.oid}/binary`
    if (signed === undefined || !isSigned) {
      return text(403, 'The signature does not match this request.')
    }
    const file = await this.#file(signed.oid)
    return (req, res) => {
      const transfer = signed.method === 'PUT' ? receive(file, signed.oid, req, res) : deliver(file, res)
      // Either the connection or the disk failed, so no answer can be sent.
      const running = transfer.catch(() => void res.destroy())
      this.#running.add(running)
      running.then(() => this.#running.delete(running))
    }
  }

  async #file(oid: string): Promise<string> {
    const { directory } = await this.#repositories.root()
    const objects = join(directory, 'lfs')
    await mkdir(objects, { recursive: true })
    return join(objects, oid)
  }
}

async function receive(file: string, oid: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const hash = createHash('sha256')
  const partial = `${file}.${randomBytes(8).toString('hex')}`
  try {
    req.on('data', (chunk: Buffer) => hash.update(chunk))
    await pipeline(req, createWriteStream(partial))
    if (hash.digest('hex') !== oid) return send(res, text(400, 'The content does not match the URL.'))
    await rename(partial, file)
    send(res, text(200, ''))
  } finally {
    await rm(partial, { force: true })
  }
}

async function deliver(file: string, res: ServerResponse): Promise<void> {
  const { size } = await stat(file)
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
  await pipeline(createReadStream(file), res)
}
