// Neither a timer nor a connection keeps the process alive once the request is out: what then ends it is what ends
// a program whose library forgot to settle a promise.
import { subscribe } from 'node:diagnostics_channel'

const { setTimeout } = globalThis
globalThis.setTimeout = Object.assign((...args) => setTimeout(...args).unref(), setTimeout)

subscribe('http.client.request.start', ({ request }) => {
  // By then the request is in the kernel's hands.
  request.once('finish', () => request.socket.unref())
})
