import { mkdirSync } from 'node:fs'
import { createServer } from 'node:https'
import { createSecureContext } from 'node:tls'
import { passOn } from '../../scripts/pass-on.ts'
import type { SandboxOptions } from '../../src/sandbox/index.ts'
import { type Bitbucket, startBitbucket } from '../e2e/support/bitbucket.ts'
import { makeAuthority } from '../faults/certificates.ts'
import { connectProxy } from '../support/connect-proxy.ts'
import { listening } from '../support/loopback.ts'

/** The repository in the docs' examples. */
const written = 'acme/website'

/** A sandbox that programs reach under Bitbucket's real addresses, until the test ends. */
export interface BitbucketOrg {
  readonly bitbucket: Bitbucket
  /** The certificate of the authority that signs the sandbox's certificates. */
  readonly authority: string
  /** Makes the program, git and curl reach the sandbox at https://bitbucket.org and https://api.bitbucket.org. */
  readonly env: Readonly<Record<string, string>>
}

/** @param directory a directory to create for the keys */
export async function startBitbucketOrg(directory: string, options: SandboxOptions): Promise<BitbucketOrg> {
  const bitbucket = await startBitbucket(options)
  mkdirSync(directory)
  const { authority, sign } = makeAuthority(directory)
  const front = createServer(
    { SNICallback: (name, done) => done(null, createSecureContext(sign(name))) },
    (req, res) => {
      const target = req.headers.host === 'api.bitbucket.org' ? bitbucket.apiUrl : bitbucket.url
      const path = (req.url ?? '').replace(`/${written}`, `/${bitbucket.repository}`)
      passOn(req, res, new URL(path, target))
    },
  )
  const proxy = await connectProxy({ to: Number(new URL(await listening(front)).port) })
  return {
    bitbucket,
    authority,
    env: {
      HTTPS_PROXY: proxy.url,
      NODE_EXTRA_CA_CERTS: authority,
      CURL_CA_BUNDLE: authority,
      GIT_SSL_CAINFO: authority,
    },
  }
}
