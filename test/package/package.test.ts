import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asVariables, inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { pathWithoutProject } from '../e2e/support/program.ts'
import { inputVariables } from '../support/action-inputs.ts'
import { loopback } from '../support/loopback.ts'
import { compile, examples, makeConsumer, runExample } from './support/consumer.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const versions = (process.env['NODE_VERSIONS'] ?? '').split(' ').filter(Boolean)

/** Not part of `npm test`, because the versions of Node come from npm's registry. */
describe.skipIf(versions.length === 0)('the package (npm run test:package)', () => {
  let work = ''
  let home = ''
  const npm = (cwd: string, ...args: string[]) =>
    execute('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd })

  beforeAll(async () => {
    work = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-package-'))
    home = join(work, 'home')
    mkdirSync(home)
    // Like `npm publish`: prepack builds.
    await npm(root, 'pack', '--pack-destination', work)
    const [archive = ''] = readdirSync(work).filter((name) => name.endsWith('.tgz'))
    writeFileSync(join(home, 'package.json'), '{"private":true,"type":"module"}')
    // Offline and with an empty cache, the installation fails if it needs anything but the archive.
    await npm(home, 'install', '--offline', '--cache', join(work, 'cache'), join(work, archive))
  }, 180_000)
  afterAll(() => rmSync(work, { recursive: true, force: true }), 60_000)

  test('has no dependencies and no other files', async () => {
    const { dependencies, packages } = JSON.parse(readFileSync(join(home, 'package-lock.json'), 'utf8'))
    expect(dependencies).toBeUndefined()
    expect(Object.keys(packages)).toEqual(['', 'node_modules/bitbucket-token'])
    expect(readdirSync(join(home, 'node_modules/bitbucket-token')).sort()).toEqual(
      ['LICENSE', 'README.md', 'dist', 'lib', 'package.json'].sort(),
    )
  })

  describe('the library', () => {
    test.each(['bundler', 'nodenext'] as const)(
      'compiles in a strict program with module resolution %s',
      async (resolution) => {
        const consumer = join(work, 'consumer')
        if (!existsSync(consumer)) makeConsumer(consumer, join(home, 'node_modules/bitbucket-token'))
        expect(await compile(consumer, resolution)).toBe('')
      },
      60_000,
    )
  })

  /** Installs a Node of this major version and returns its program. */
  async function installNode(version: string): Promise<string> {
    const prefix = join(work, `node-${version}`)
    mkdirSync(prefix)
    await npm(prefix, 'install', '--prefix', prefix, '--prefer-offline', `node@${version}`)
    return join(prefix, 'node_modules/node/bin/node')
  }

  test.each(['14', '16', '18'])(
    'says in one sentence that Node %s is too old',
    async (version) => {
      const run = execute(await installNode(version), [join(home, 'node_modules/.bin/bitbucket-token')], {
        cwd: home,
        env: { GITHUB_ACTIONS: 'true', ...inputVariables({}) },
      })
      await expect(run).rejects.toMatchObject({
        code: 1,
        stderr: '',
        stdout: expect.stringMatching(
          new RegExp(
            `^::error title=bitbucket-token::bitbucket-token needs Node\\.js 20 or later, but this is Node\\.js ${version}\\.\\S+\\.\\n$`,
          ),
        ),
      })
    },
    180_000,
  )

  describe.each(versions)('on Node %s', (version) => {
    let node = ''
    const withNode = (file: string, args: string[], env: Record<string, string> = {}) =>
      execute(file, args, {
        cwd: home,
        env: { PATH: `${join(node, '..')}:${pathWithoutProject}`, HOME: home, ...env },
      })

    beforeAll(async () => {
      node = await installNode(version)
    }, 180_000)

    test('runs from start to end with npx', async () => {
      const bitbucket = await startBitbucket()
      const env = asVariables({
        ...inputsFor.consumer(bitbucket),
        url: bitbucket.url,
        'api-url': bitbucket.apiUrl,
      })
      expect((await withNode(node, ['--version'])).stdout).toMatch(new RegExp(`^v${version}\\.`))
      const bin = join(home, 'node_modules/.bin/bitbucket-token')
      const { version: ours } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
      expect((await withNode(bin, ['--version'])).stdout).toBe(`${ours}\n`)
      const { stdout } = await withNode(
        bin,
        ['check', '--format', 'json', '--repository', 'sandbox/hello'],
        env,
      )
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, repository: { readable: true } })
      const token = (await withNode(bin, ['print'], env)).stdout.trimEnd()
      expect(bitbucket.isLive(token)).toBe(true)
      await withNode(bin, [], env)
      expect(readdirSync(join(home, '.bitbucket-token')).sort()).toEqual([
        '.gitignore',
        'env.sh',
        'git-credentials',
      ])
      await withNode(bin, ['cleanup'], env)
      expect(readdirSync(home)).not.toContain('.bitbucket-token')
    })

    // nock itself needs Node 22.20.
    test.each(examples.filter(({ code }) => Number(version) >= 22 || !code.includes('mock()')))(
      '$name of the docs runs',
      async (example) => {
        const bitbucket = await startBitbucket()
        const result = await runExample(example, join(work, 'consumer'), bitbucket, node)
        expect(result).toEqual({ missing: [], shown: [] })
      },
    )

    test('256 callers share one request, and a redirect to another host does not carry the credential', async () => {
      const bitbucket = await startBitbucket()
      const elsewhere = await loopback((response) => response.end('a file'))
      bitbucket.script({ status: 302, headers: { location: elsewhere.url.href }, path: '/2.0/' })
      const program = `import { createAuthenticatedAPI, getAccessToken } from 'bitbucket-token'
        const tokens = await Promise.all(Array.from({ length: 256 }, () => getAccessToken()))
        const api = await createAuthenticatedAPI()
        const response = await api.fetch('/downloads/a.zip')
        console.log(new Set(tokens.map(({ accessToken }) => accessToken)).size, await response.text())`
      const { stdout } = await withNode(
        node,
        ['--input-type=module', '--eval', program],
        bitbucket.environment(),
      )
      expect(stdout).toBe('1 a file\n')
      expect(
        bitbucket.requests.map(({ path, headers }) => [path, headers.authorization?.split(' ')[0]]),
      ).toEqual([
        ['/site/oauth2/access_token', 'Basic'],
        ['/2.0/downloads/a.zip', 'Bearer'],
      ])
      expect(elsewhere.heard.map(({ headers }) => headers.authorization)).toEqual([undefined])
    })

    test('the sandbox can be imported', async () => {
      const program = `import { startSandbox } from 'bitbucket-token/sandbox'
        const { url, close } = await startSandbox()
        console.log(url)
        await close()`
      const { stdout } = await withNode(node, ['--input-type=module', '--eval', program])
      expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/)
    })
  })
})
