import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from './server.ts'

export interface Certificates {
  /** The path of the authority's own certificate, for NODE_EXTRA_CA_CERTS. */
  readonly authority: string
  readonly sign: (name: string, options?: { readonly days?: number; readonly by?: string }) => Certificate
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })

/** Makes a private certificate authority, like that of a company's proxy. */
export function makeAuthority(directory: string): Certificates {
  const path = (name: string) => join(directory, name)
  const create = (name: string) =>
    openssl(
      ...['req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)],
    )
  create('authority')
  create('stranger')
  let count = 0
  return {
    authority: path('authority.pem'),
    sign: (name, { days = 2, by = 'authority' } = {}) => {
      const [key, request, cert, extensions] = ['key', 'csr', 'crt', 'ext'].map((kind) =>
        path(`${count}.${kind}`),
      ) as [string, string, string, string]
      count++
      writeFileSync(extensions, `subjectAltName=${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}\n`)
      openssl('req', '-new', ...curve, '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
      openssl(
        ...['x509', '-req', '-in', request, '-days', String(days), '-extfile', extensions, '-out', cert],
        ...['-CA', path(`${by}.pem`), '-CAkey', path(`${by}.key`), '-CAcreateserial'],
      )
      return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    },
  }
}
