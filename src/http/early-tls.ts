/**
 * Loads node's TLS, if one of these addresses needs it. From then on node 24 reads the root certificates in a thread of
 * its own (node: lib/tls.js, `startLoadingCertificatesOffThread`), while this one goes on to load the rest of the
 * transport; loaded last, as node:https would do it, the first connection waits for them. (A node before 20.16 cannot be
 * asked for it here, and gets it with the rest.)
 */
export function loadTlsEarly(...addresses: readonly URL[]): void {
  if (addresses.some(({ protocol }) => protocol === 'https:')) process.getBuiltinModule?.('node:tls')
}
