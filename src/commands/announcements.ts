import { defaultAddresses } from '../bitbucket/addresses.ts'
import type { Run } from '../run.ts'

/**
 * Returns the services to which this program may send a secret, with the input or CI variable that can change each address.
 */
function addressesOf({ world, rawInputs, inputs }: Run) {
  const { url, 'api-url': apiUrl } = inputs()
  return [
    { name: rawInputs.nameOf('url'), used: url.href, usual: defaultAddresses.site },
    { name: rawInputs.nameOf('api-url'), used: apiUrl.href, usual: defaultAddresses.api },
    { name: 'GITHUB_API_URL', used: world.env['GITHUB_API_URL'], usual: 'https://api.github.com' },
    { name: 'CI_API_V4_URL', used: world.env['CI_API_V4_URL'], usual: 'https://gitlab.com' },
  ].map(({ name, used = '', usual }) => ({
    name,
    origin: URL.canParse(used) ? new URL(used).origin : undefined,
    usual,
  }))
}

/** Logs once for each unusual host that secrets go there, because a forgotten variable must not redirect them silently. */
export function announce(origins: readonly string[], run: Run): void {
  for (const { name, origin, usual } of addressesOf(run)) {
    if (origin === undefined || origin === usual || !origins.includes(origin) || run.announced.has(name))
      continue
    run.announced.add(name)
    run.host.log.info(`Using ${name} ${origin} instead of ${usual}. Your secrets will be sent there.`)
  }
}

/**
 * Logs unusual addresses of Bitbucket before anything is sent, even if only a later step or a browser sends something there.
 */
export function announceAddresses(run: Run): void {
  const { url, 'api-url': apiUrl } = run.inputs()
  announce([url.origin, apiUrl.origin], run)
}

/** Logs once that certificates are checked, because the job may have turned the check off for another program. */
export function announceCertificateCheck({ world, host, announced }: Run): void {
  const name = 'NODE_TLS_REJECT_UNAUTHORIZED'
  if (world.env[name] !== '0' || announced.has(name)) return
  announced.add(name)
  host.log.info(`${name}=0 is ignored: bitbucket-token always checks certificates.`)
}
