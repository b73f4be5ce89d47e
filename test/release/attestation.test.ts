import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examples } from '../examples/documents.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const documented = examples.find(({ name }) => name === 'docs/verify.md#with-cosign')?.text ?? ''

/**
 * GitHub signs with a certificate that Sigstore makes for a workflow, which needs GitHub and the network. So this signs with
 * a key instead, and replaces only the options of docs/verify.md that name the certificate.
 */
describe.skipIf(!process.env['RELEASE'])(
  'the command for cosign in docs/verify.md',
  { tags: ['cosign', 'sh'] },
  () => {
    const command = /^ {2}cosign [\s\S]*?"\$1"$/m
      .exec(documented)?.[0]
      .replace(
        /--certificate-oidc-issuer \S+ --certificate-identity "\$signer"/,
        '--key signer.pub --insecure-ignore-tlog',
      )

    test('accepts a signed file, and refuses it after a change', { timeout: 60_000 }, () => {
      const directory = temporaryDirectory()
      const env = { PATH: process.env['PATH'] ?? '', HOME: directory, COSIGN_PASSWORD: 'of-a-test' }
      const run = (script: string, ...args: string[]) =>
        spawnSync('sh', ['-ec', script, 'sh', ...args], { cwd: directory, env, encoding: 'utf8' })
      writeFileSync(join(directory, 'package.tgz'), 'what was built')
      const predicate = {
        buildDefinition: { buildType: 'https://example.com/build', externalParameters: {} },
        runDetails: { builder: { id: 'https://example.com/builder' } },
      }
      writeFileSync(join(directory, 'predicate.json'), JSON.stringify(predicate))
      const signed = run(`cosign generate-key-pair --output-key-prefix signer
      cosign attest-blob --yes --key signer.key --type slsaprovenance1 --predicate predicate.json \\
        --use-signing-config=false --tlog-upload=false --bundle provenance.sigstore.json package.tgz`)
      expect([signed.status, signed.stderr]).toEqual([0, expect.anything()])

      expect(command).toContain('--bundle provenance.sigstore.json')
      expect(run(command ?? '', 'package.tgz')).toMatchObject({ status: 0 })
      writeFileSync(join(directory, 'package.tgz'), 'what somebody else built')
      const refused = run(command ?? '', 'package.tgz')
      expect(refused.stderr).toContain('digests do not match')
      expect(refused.status).not.toBe(0)
    })
  },
)
