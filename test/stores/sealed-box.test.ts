import sodium from 'libsodium-wrappers'
import { beforeAll, expect, test } from 'vitest'
import { seal } from '../../src/stores/sealed-box.ts'

beforeAll(() => sodium.ready)

test.each([0, 1, 63, 64, 65, 2_600, 48_000])('libsodium opens a box of %i bytes', (length) => {
  const keys = sodium.crypto_box_keypair()
  const message = sodium.randombytes_buf(length)
  const box = seal(message, keys.publicKey)
  expect(box.length).toBe(length + sodium.crypto_box_SEALBYTES)
  expect(sodium.crypto_box_seal_open(box, keys.publicKey, keys.privateKey)).toEqual(message)
})

test('uses a new key for each box, and only the recipient can open it', () => {
  const keys = sodium.crypto_box_keypair()
  const other = sodium.crypto_box_keypair()
  const message = new TextEncoder().encode('the same')
  const [one, two] = [seal(message, keys.publicKey), seal(message, keys.publicKey)]
  expect(Buffer.from(one).equals(two)).toBe(false)
  expect(() => sodium.crypto_box_seal_open(one, other.publicKey, other.privateKey)).toThrow()
})

test('throws for a public key of the wrong length', () => {
  expect(() => seal(new Uint8Array(3), new Uint8Array(31))).toThrow()
})
