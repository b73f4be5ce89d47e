/**
 * Loads node's TLS early, if one of these addresses needs it. Node 24 then reads the root certificates in another
 * thread (node: lib/tls.js, `startLoadingCertificatesOffThread`) while this one loads the rest of the transport. If
 * node:https loaded TLS last, the first connection would wait for the certificates. Does nothing before node 20.16,
 * which has no `process.getBuiltinModule`.
 */
export function loadTlsEarly(...addresses: readonly URL[]): void {
  if (addresses.some(({ protocol }) => protocol === 'https:')) process.getBuiltinModule?.('node:tls')
}
