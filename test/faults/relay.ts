import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Where to cut a connection: after this many bytes of one direction. */
export interface Cut {
  readonly direction: 'to the client' | 'to the server'
  readonly after: number
  readonly how: 'end' | 'reset' | 'silence'
}

/** What was sent over one connection. */
export interface Traffic {
  readonly bytes: Record<Cut['direction'], number>
  wasCut: boolean
}

export interface Relay {
  readonly port: number
  /** One for each connection, in order. */
  readonly traffic: readonly Traffic[]
  readonly close: () => Promise<void>
}

/** Starts a relay that forwards bytes and cuts connections. It works below TLS, because only there a cut hits an exact byte. */
export async function startRelay(
  port: number,
  cutOf: (connection: number) => Cut | undefined,
  onSilence: () => void,
): Promise<Relay> {
  const traffic: Traffic[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const cut = cutOf(traffic.length)
    const sent: Traffic = { bytes: { 'to the client': 0, 'to the server': 0 }, wasCut: false }
    traffic.push(sent)
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    const end = () => {
      sent.wasCut = true
      if (cut?.how === 'reset') client.resetAndDestroy()
      else if (cut?.how === 'end') client.end()
      else setTimeout(onSilence, 20)
      upstream.destroy()
    }
    const pass = (from: Socket, to: Socket, direction: Cut['direction']) => {
      const limit = cut?.direction === direction ? cut.after : Number.POSITIVE_INFINITY
      from.on('data', (data: Buffer) => {
        if (sent.wasCut) return
        const part = data.subarray(0, limit - sent.bytes[direction])
        sent.bytes[direction] += part.length
        if (part.length < data.length) {
          // A cut towards the server ends both sides at once; a cut towards the client waits until the last bytes are sent.
          sent.wasCut = true
          if (part.length > 0) to.write(part, end)
          else end()
        } else to.write(data)
      })
      from.on('end', () => {
        if (!sent.wasCut) to.end()
      })
      from.on('close', () => {
        if (!sent.wasCut) to.destroySoon()
      })
    }
    pass(client, upstream, 'to the server')
    pass(upstream, client, 'to the client')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    traffic,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
