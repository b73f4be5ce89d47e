import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Answer, type StreamedAnswer, send, text } from './answers.ts'
import type { Exchange } from './exchange.ts'
import type { GitRepositories } from './git-repositories.ts'
import type { Listener } from './listener.ts'
import type { Surface } from './traffic.ts'

type Method = 'GET' | 'PUT'

/**
 * The host that keeps the files of Git LFS, an origin of its own. A signed URL is all the permission that it takes;
 * it opens at the first one, so a sandbox without LFS has no third port.
 */
export class LfsMedia {
  readonly #repositories: GitRepositories
  readonly #listen: (surface: Surface) => Promise<Listener>
  readonly #signed = new Map<string, { method: Method; oid: string }>()
  readonly #running = new Set<Promise<void>>()
  #listener: Promise<Listener> | undefined
  #closed = false

  constructor(repositories: GitRepositories, listen: (surface: Surface) => Promise<Listener>) {
    this.#repositories = repositories
    this.#listen = listen
  }

  /** A URL with which anyone can do this one thing. */
  async sign(method: Method, oid: string): Promise<string> {
    // A request may outlive the sandbox, which must not open a port then.
    if (this.#closed) throw new Error('The sandbox is closed')
    this.#listener ??= this.#listen(async (exchange) => this.#answer(exchange))
    const { url } = await this.#listener
    const token = randomBytes(24).toString('base64url')
    this.#signed.set(token, { method, oid })
    return `${url}/file/${oid}/binary?token=${token}`
  }

  /** In bytes; undefined while there is no such object. */
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
    // As S3 does: a signed URL and a header are two permissions. It also shows a credential that went to the wrong host.
    if (req.headers.authorization !== undefined) {
      return text(
        400,
        'Only one auth mechanism allowed: this URL is signed and takes no Authorization header.',
      )
    }
    const signed = this.#signed.get(url.searchParams.get('token') ?? '')
    const fits = signed?.method === req.method && url.pathname === `/file/${signed?.oid}/binary`
    if (signed === undefined || !fits) {
      return text(403, 'The signature does not fit this request.')
    }
    const file = await this.#file(signed.oid)
    const transfer = signed.method === 'PUT' ? receive : deliver
    return (req, res) => {
      // What fails here is the connection or the disk, and either way there is nobody to answer.
      const running = transfer(file, signed.oid, req, res).catch(() => void res.destroy())
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
    await pipeline(
      req,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk)
          yield chunk
        }
      },
      createWriteStream(partial),
    )
    if (hash.digest('hex') !== oid) return send(res, text(400, 'The content is not what the URL is for.'))
    await rename(partial, file)
    send(res, text(200, ''))
  } finally {
    await rm(partial, { force: true })
  }
}

async function deliver(file: string, _: string, __: IncomingMessage, res: ServerResponse): Promise<void> {
  const { size } = await stat(file)
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
  await pipeline(createReadStream(file), res)
}
