import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Where a connection is cut: behind so many bytes of one direction. */
export interface Cut {
  readonly direction: 'to the client' | 'to the server'
  readonly after: number
  readonly how: 'end' | 'reset' | 'silence'
}

/** What went over one connection. */
export interface Passage {
  readonly bytes: Record<Cut['direction'], number>
  wasCut: boolean
}

export interface Relay {
  readonly port: number
  /** In the order of the connections. */
  readonly passages: readonly Passage[]
  readonly close: () => Promise<void>
}

/** Passes bytes on, whatever they are, and cuts connections: TLS cannot be cut more exactly than below it. */
export async function startRelay(
  port: number,
  cutOf: (connection: number) => Cut | undefined,
  onSilence: () => void,
): Promise<Relay> {
  const passages: Passage[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const cut = cutOf(passages.length)
    const passage: Passage = { bytes: { 'to the client': 0, 'to the server': 0 }, wasCut: false }
    passages.push(passage)
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    const end = () => {
      passage.wasCut = true
      if (cut?.how === 'reset') client.resetAndDestroy()
      else if (cut?.how === 'end') client.end()
      else setTimeout(onSilence, 20)
      upstream.destroy()
    }
    const pass = (from: Socket, to: Socket, direction: Cut['direction']) => {
      const limit = cut?.direction === direction ? cut.after : Number.POSITIVE_INFINITY
      from.on('data', (data: Buffer) => {
        if (passage.wasCut) return
        const part = data.subarray(0, limit - passage.bytes[direction])
        passage.bytes[direction] += part.length
        if (part.length < data.length) {
          // A cut to the server ends both sides at once, a cut to the client when the last bytes are out.
          passage.wasCut = true
          if (part.length > 0) to.write(part, end)
          else end()
        } else to.write(data)
      })
      from.on('end', () => {
        if (!passage.wasCut) to.end()
      })
      from.on('close', () => {
        if (!passage.wasCut) to.destroySoon()
      })
    }
    pass(client, upstream, 'to the server')
    pass(upstream, client, 'to the client')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    passages,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
