/**
 * `npx node scripts/release/pin-images.ts` writes the digests of the base images' tags, as Docker Hub has them now, into the
 * Dockerfiles. Needs Docker Buildx and the network. build-release.yml refuses a base image without a digest.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const pinned = /^(ARG (?:NODE|BASE)_IMAGE=)([^@\s]+)(?:@sha256:\w+)?$/gm
const digests = new Map<string, string>()

for (const name of ['Dockerfile', '.ci/image/node.Dockerfile', '.ci/image/git.Dockerfile']) {
  const path = join(root, name)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(pinned, (_, before: string, image: string) => `${before}${image}@${digestOf(image)}`),
  )
}

/** Returns the digest of all platforms of an image, so that each build takes its own. */
function digestOf(image: string): string {
  const known = digests.get(image)
  if (known !== undefined) return known
  const args = ['buildx', 'imagetools', 'inspect', '--format', '{{.Manifest.Digest}}', image]
  const digest = execFileSync('docker', args, { encoding: 'utf8' }).trim()
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new Error(`docker printed no digest for ${image}: ${digest}`)
  console.log(`${image} ${digest}`)
  digests.set(image, digest)
  return digest
}
