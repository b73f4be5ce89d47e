import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { blake2b } from '@noble/hashes/blake2.js'

/**
 * Encrypts for the holder of a private key, as libsodium's `crypto_box_seal` does (libsodium: crypto_box_seal.c):
 * an ephemeral X25519 key pair, XSalsa20-Poly1305 under the key that both sides derive
 * (crypto_box_curve25519xsalsa20poly1305), and BLAKE2b of both public keys as the nonce.
 * @param publicKey 32 bytes
 */
export function seal(message: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const recipient = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(publicKey).toString('base64url') },
    format: 'jwk',
  })
  const ephemeral = generateKeyPairSync('x25519')
  const ephemeralKey = Buffer.from(ephemeral.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient })
  const nonce = blake2b(Buffer.concat([ephemeralKey, publicKey]), { dkLen: 24 })
  return Buffer.concat([ephemeralKey, xsalsa20poly1305(derive(shared), nonce).encrypt(message)])
}

/** HSalsa20 of the shared secret and a nonce of zeros (libsodium: crypto_box_beforenm). */
function derive(shared: Uint8Array): Uint8Array {
  const key = new Uint32Array(8)
  hsalsa(words(Buffer.from('expand 32-byte k')), words(shared), new Uint32Array(4), key)
  return new Uint8Array(key.buffer)
}

/** Copies bytes into 32-bit words. The copy is needed because words must begin at a multiple of four bytes. */
const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer)
