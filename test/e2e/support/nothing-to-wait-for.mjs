// After the request is sent, no timer and no connection keeps the process alive. So the process ends as a program does
// if a library never settles a promise.
import { subscribe } from 'node:diagnostics_channel'

const { setTimeout } = globalThis
globalThis.setTimeout = Object.assign((...args) => setTimeout(...args).unref(), setTimeout)

subscribe('http.client.request.start', ({ request }) => {
  // The kernel has the whole request by then.
  request.once('finish', () => request.socket.unref())
})
