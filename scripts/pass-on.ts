import { type IncomingMessage, request, type ServerResponse } from 'node:http'

/** Forwards a request unchanged to another server, and its answer back. */
export function passOn(req: IncomingMessage, res: ServerResponse, target: URL): void {
  const onward = request(target, { method: req.method, headers: req.headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(res)
  })
  onward.on('error', () => res.destroy())
  req.pipe(onward)
}
