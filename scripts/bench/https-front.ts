import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { passOn } from '../pass-on.ts'

/**
 * Starts a TLS server in front of the sandbox, because a real run pays for TLS too. openssl makes its certificate in
 * `directory`.
 */
export async function httpsFront(target: string, directory: string) {
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (req, res) => {
    passOn(req, res, new URL(req.url ?? '/', target))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    url: `https://127.0.0.1:${port}`,
    certificate,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
