import { formsOf } from '../../src/redaction/forms.ts'
import { Secret } from '../../src/secret.ts'

/** Characters. */
const fragmentLength = 8

/**
 * Hides secrets in a whole output, slowly and with the plainest means: marks the bytes of all fragments, then writes `***` for
 * each longest whole form from the left, and for each run of the other marked bytes.
 */
export function redactSlowly(output: Buffer, secrets: readonly string[]): Buffer {
  const forms = secrets.flatMap((secret) => formsOf(new Secret(secret)))
  const isHidden = new Uint8Array(output.length)
  for (const { bytes, width } of forms) {
    const length = Math.min(bytes.length, fragmentLength * width)
    for (let at = 0; at + length <= bytes.length; at += width)
      for (const found of placesOf(bytes.subarray(at, at + length), output))
        isHidden.fill(1, found, found + length)
  }
  const longestAt = new Uint32Array(output.length)
  for (const { bytes } of forms)
    for (const found of placesOf(bytes, output))
      longestAt[found] = Math.max(longestAt[found] ?? 0, bytes.length)
  const shown: Buffer[] = []
  let isInFragment = false
  for (let at = 0; at < output.length; ) {
    const whole = longestAt[at] ?? 0
    const isFragment = whole === 0 && isHidden[at] === 1
    if (whole > 0 || (isFragment && !isInFragment)) shown.push(Buffer.from('***'))
    else if (!isFragment) shown.push(output.subarray(at, at + 1))
    isInFragment = isFragment
    at += Math.max(whole, 1)
  }
  return Buffer.concat(shown)
}

function placesOf(part: Buffer, output: Buffer): number[] {
  const places: number[] = []
  for (let at = output.indexOf(part); at !== -1; at = output.indexOf(part, at + 1)) places.push(at)
  return places
}
