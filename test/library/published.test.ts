import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBitbucket } from '../e2e/support/bitbucket.ts'
import { sharedClock } from '../e2e/support/clock.ts'
import { bundle } from '../e2e/support/program.ts'
import { compile, examples, makeConsumer, runExample } from '../package/support/consumer.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** A store of a user, with the types of `bitbucket-token/store`. */
const ownStore = `import type { RenewedTokens, StoredTokens, TokenStore } from 'bitbucket-token/store'
let kept: RenewedTokens | undefined
export const own: TokenStore = {
  name: 'my vault',
  check: async () => {},
  load: async (): Promise<StoredTokens | undefined> => kept && { refreshToken: kept.refreshToken },
  save: async (tokens: RenewedTokens) => {
    kept = tokens
    console.log(tokens.refreshToken.reveal().length, tokens.access.expiresAt)
  },
}
`

/** The library as users get it. It is built as `npm pack` does, but into another directory. */
describe('the built library', () => {
  let work = ''
  let consumer = ''
  let lib = ''

  beforeAll(async () => {
    work = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-library-'))
    const ourPackage = join(work, 'package')
    lib = join(ourPackage, 'lib')
    mkdirSync(ourPackage)
    cpSync(join(root, 'package.json'), join(ourPackage, 'package.json'))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    await execute(process.execPath, [tsc, '-p', join(root, 'tsconfig.lib.json'), '--outDir', lib])
    await execute(process.execPath, [join(root, 'scripts/library.ts'), lib])
    consumer = join(work, 'consumer')
    mkdirSync(consumer)
    makeConsumer(consumer, ourPackage)
    writeFileSync(join(consumer, 'own-store.ts'), ownStore)
  }, 120_000)
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  test.each(['bundler', 'nodenext'] as const)(
    'compiles in a strict program with module resolution %s',
    async (resolution) => {
      expect(await compile(consumer, resolution)).toBe('')
    },
    60_000,
  )

  test.each(examples)(
    '$name of the docs runs, prints what it promises, and shows no secret',
    async (example) => {
      const bitbucket = await startBitbucket()
      expect(await runExample(example, consumer, bitbucket, process.execPath)).toEqual({
        missing: [],
        shown: [],
      })
    },
  )

  /** Lists the files of the package that end up in a bundle of `program`. */
  const taken = async (program: string) => {
    const { metafile } = await build({
      stdin: { contents: program, resolveDir: consumer },
      bundle: true,
      splitting: true,
      outdir: join(work, 'bundle'),
      format: 'esm',
      platform: 'node',
      external: ['nock'],
      write: false,
      metafile: true,
    })
    const [entry = ''] = Object.keys(metafile.outputs).filter(
      (name) => metafile.outputs[name]?.entryPoint === '<stdin>',
    )
    // Only chunks that are loaded at once, not those that are imported later.
    const chunks = new Set([entry])
    for (const chunk of chunks)
      for (const { path, kind } of metafile.outputs[chunk]?.imports ?? [])
        if (kind === 'import-statement') chunks.add(path)
    const files = [...chunks]
      .flatMap((chunk) => Object.entries(metafile.outputs[chunk]?.inputs ?? {}))
      .filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && path !== '<stdin>')
      .map(([path]) => path.replace(/^.*\/lib\//, ''))
    return files.toSorted()
  }

  test('an import alone adds nothing to a bundle', async () => {
    expect(await taken(`import 'bitbucket-token'; import 'bitbucket-token/testing'`)).toEqual([])
    expect(await taken(`import { getAccessToken } from 'bitbucket-token'`)).toEqual([])
  })

  test('a bundler keeps what is used and drops the rest', async () => {
    const error = await taken(`import { TokenError } from 'bitbucket-token'; console.log(TokenError)`)
    expect(error).toEqual(['errors.js', 'log-safe.js'])
    const storage = await taken(`import { createFileStorage } from 'bitbucket-token'; createFileStorage()`)
    expect(storage.filter((file) => /^(http|bitbucket|credentials|sandbox)\//.test(file))).toEqual([])
    const token = await taken(`import { getAccessToken } from 'bitbucket-token'; await getAccessToken()`)
    expect(token).not.toContain('library/file-storage.js')
    expect(token).not.toContain('library/authenticated-api.js')
    expect(token).not.toContain('library/shared-token.js')
    // The HTTP client is loaded with the first request.
    expect(token).toContain('http/client.js')
    expect(token).not.toContain('http/transport.js')
    expect(token.filter((file) => /^(sandbox|testing|hosts)\//.test(file))).toEqual([])
  })

  test('20 programs and command lines at once share one token, and ask for as many as have expired', async () => {
    const tree = mkdtempSync(join(work, 'shared-'))
    const clock = sharedClock(tree)
    const bitbucket = await startBitbucket({ accessTokenLifetime: 3, now: clock.now })
    const program = join(consumer, 'shared.js')
    writeFileSync(
      program,
      `import { getAccessToken } from 'bitbucket-token'
      process.stdout.write((await getAccessToken({ shareCache: true })).accessToken + '\\n')`,
    )
    const env = { ...bitbucket.environment(), ...clock.env, HOME: tree, RUNNER_TEMP: tree }
    const run = async (args: readonly string[]) =>
      (await execute(process.execPath, args, { env, cwd: tree })).stdout
    const both = [[program], [bundle, 'print', '--reuse']]
    for (const round of [1, 2, 3]) {
      const tokens = await Promise.all(Array.from({ length: 10 }, () => both.map(run)).flat())
      expect(new Set(tokens).size).toBe(1)
      expect(bitbucket.requests.filter(({ path }) => path.includes('access_token'))).toHaveLength(round)
      clock.advance(3_000)
    }
  }, 120_000)

  test('works in a bundle', async () => {
    const bitbucket = await startBitbucket()
    await build({
      stdin: {
        contents: `import { getAccessToken } from 'bitbucket-token'; console.log((await getAccessToken()).kind)`,
        resolveDir: consumer,
      },
      bundle: true,
      outfile: join(work, 'bundle.mjs'),
      format: 'esm',
      platform: 'node',
    })
    const { stdout } = await execute(process.execPath, [join(work, 'bundle.mjs')], {
      env: bitbucket.environment(),
    })
    expect(stdout).toBe('client-credentials\n')
  })
})
