/**
 * The rules of the architecture (docs/architecture.md, "The modules"):
 *
 * - `bitbucket/` knows no CI, and `hosts/` knows no Bitbucket. Only the start of a run knows `commands/`.
 * - No import cycles. Imports of types count too.
 * - Only `exec/`, `http/`, `hosts/`, `stores/`, `redaction/`, `secret-file.ts` and the boundary of `library/` reveal a secret.
 * - Only `http/` opens a connection.
 * - Time, randomness, environment and streams come through `World`, so tests need no module mocks.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { version } from '../src/version.ts'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

interface Source {
  /** `hosts/github.ts` */
  readonly path: string
  /** `hosts`, or `main.ts` for a file that is in no directory */
  readonly module: string
  readonly text: string
  /** What it imports, types included: `secret.ts`, `hosts/host.ts`, or a package's name. */
  readonly imports: readonly string[]
}

const sources: Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8')
    // `from '…'` ends an import or re-export; `import '…'` and `import('…')` are the other two forms.
    const specifiers = [
      ...text.matchAll(/(?:^|\s)(?:from|import)\s*\(?\s*(?:\/\*[^*]*\*\/\s*)?'([^']+)'/g),
    ].map(([, name = '']) => name)
    const imports = specifiers.map((name) =>
      name.startsWith('.') ? relative(src, join(src, dirname(path), name)) : name,
    )
    return { path, module: moduleOf(path), text, imports }
  })

function moduleOf(path: string): string {
  return path.split('/')[0] ?? ''
}

const isOurs = (name: string) => name.endsWith('.ts')
const isHttpClient = (name: string) => /^@actions\/http-client(?:\/|$)/.test(name)

/** Returns `importer -> imported` for each import for which `isForbidden` holds. */
function offences(isForbidden: (source: Source, imported: string) => boolean): string[] {
  const found = sources.flatMap((source) =>
    source.imports.filter((name) => isForbidden(source, name)).map((name) => `${source.path} -> ${name}`),
  )
  return [...new Set(found)].sort()
}

/** Returns the files whose code matches. Comments on lines of their own and texts in quotes do not count. */
const filesWith = (pattern: RegExp): string[] =>
  sources
    .filter(({ text }) =>
      pattern.test(text.replace(/^ *(?:\/?\*|\/\/).*|"[^"\n]*"|'(?:[^'\\\n]|\\.)*'/gm, '')),
    )
    .map(({ path }) => path)

test('every file of src/ is read, and imported unless it is where a user enters', () => {
  expect(sources.length).toBeGreaterThan(30)
  const imported = new Set(sources.flatMap(({ imports }) => imports))
  expect(sources.map(({ path }) => path).filter((path) => !imported.has(path))).toEqual([
    'index.ts',
    'library/index.ts',
    'testing/index.ts',
  ])
})

/** The start of a run. */
const startsRun = (module: string) => ['cli.ts', 'main.ts'].includes(module)

/** What a run does for every command. */
const servesRuns = (module: string) =>
  startsRun(module) || ['run.ts', 'masking.ts', 'report.ts'].includes(module)

describe('imports', () => {
  const entry = ['commands', 'command-line.ts', 'inputs.ts', 'main.ts']

  test('bitbucket/ knows no CI', () => {
    const forbidden = [...entry, 'hosts', 'credentials']
    expect(
      offences(({ module }, name) => module === 'bitbucket' && forbidden.includes(moduleOf(name))),
    ).toEqual([])
  })

  test('hosts/ knows no Bitbucket', () => {
    const forbidden = [...entry, 'bitbucket', 'credentials']
    expect(offences(({ module }, name) => module === 'hosts' && forbidden.includes(moduleOf(name)))).toEqual(
      [],
    )
  })

  test('only the start of a run imports commands/', () => {
    const isForbidden = ({ module }: Source, name: string) =>
      moduleOf(name) === 'commands' && module !== 'commands' && !startsRun(module)
    expect(offences(isForbidden)).toEqual([])
  })

  test('only its own command imports authorize/, audit/ or sandbox/', () => {
    const features = ['authorize', 'audit', 'sandbox']
    expect(
      offences(({ path, module }, name) => {
        const feature = moduleOf(name)
        return features.includes(feature) && module !== feature && !path.startsWith(`commands/${feature}`)
      }),
    ).toEqual([
      // Users' own tests start it.
      'testing/index.ts -> sandbox/index.ts',
      'testing/start-sandbox.ts -> sandbox/index.ts',
    ])
  })

  test('library/ knows no CI', () => {
    const forbidden = ['commands', 'hosts', 'git', 'sandbox']
    expect(
      offences(({ module }, name) => module === 'library' && forbidden.includes(moduleOf(name))),
    ).toEqual([])
  })

  test('sandbox/ imports nothing of ours, because users run it on its own', () => {
    expect(
      offences(({ module }, name) => module === 'sandbox' && isOurs(name) && moduleOf(name) !== 'sandbox'),
    ).toEqual([])
  })

  test('git/ knows no CI', () => {
    const forbidden = [...entry, 'hosts', 'credentials']
    expect(offences(({ module }, name) => module === 'git' && forbidden.includes(moduleOf(name)))).toEqual([])
  })

  test('credentials/ and redaction/ know no CI', () => {
    const modules = ['credentials', 'redaction']
    expect(offences(({ module }, name) => modules.includes(module) && moduleOf(name) === 'hosts')).toEqual([])
  })

  test('http/ and audit/ import no other directory', () => {
    const isForbidden = ({ module }: Source, name: string) =>
      ['http', 'audit'].includes(module) && isOurs(name) && ![module, name].includes(moduleOf(name))
    expect(offences(isForbidden)).toEqual([])
  })

  test('files that are in no directory import none, except those of a run and the tables of inputs and outputs', () => {
    const isForbidden = ({ module }: Source, name: string) =>
      isOurs(module) &&
      !servesRuns(module) &&
      !['inputs.ts', 'outputs.ts'].includes(module) &&
      isOurs(name) &&
      moduleOf(name) !== name
    expect(offences(isForbidden)).toEqual([])
  })

  test('there are no cycles, type imports included', () => {
    const importsOf = new Map(sources.map(({ path, imports }) => [path, imports.filter(isOurs)]))
    const reachableFrom = (path: string, reached = new Set<string>()): Set<string> => {
      for (const next of importsOf.get(path) ?? []) {
        if (!reached.has(next)) reachableFrom(next, reached.add(next))
      }
      return reached
    }
    expect(offences(({ path }, name) => reachableFrom(name).has(path))).toEqual([])
  })

  test('the only packages are those that docs/decisions.md explains', () => {
    const isPackage = (name: string) => !isOurs(name) && !name.startsWith('node:') && !isHttpClient(name)
    expect(offences((_, name) => isPackage(name))).toEqual([
      'authorize/browser.ts -> open',
      'credentials/sign-jwt.ts -> @tsndr/cloudflare-worker-jwt',
      'exec/child.ts -> cross-spawn',
      'hosts/actions-core.ts -> @actions/core',
      'hosts/other-ci.ts -> ci-info/vendors.json',
      'stores/sealed-box.ts -> @noble/ciphers/salsa.js',
      'stores/sealed-box.ts -> @noble/hashes/blake2.js',
      'testing/mock.ts -> nock',
    ])
  })
})

describe('secrets', () => {
  test('are revealed only where they leave the program', () => {
    const modules = ['exec', 'http', 'hosts', 'stores', 'redaction', 'secret-file.ts', 'secret.ts']
    expect(filesWith(/\.reveal\(|\brevealed\(/).filter((path) => !modules.includes(moduleOf(path)))).toEqual([
      // What a caller gets, what a storage keeps, and what a caller's own HTTP client sends.
      'library/bitbucket-token.ts',
      'library/renewal.ts',
      'library/request.ts',
    ])
  })

  test('are written to disk only by secret-file.ts', () => {
    const writers = filesWith(/\b(?:writeFile|appendFile|createWriteStream)/)
    expect(writers.filter((path) => moduleOf(path) !== 'sandbox').sort()).toEqual([
      // git's configuration, a runner's command files and a lock: they hold no secret that this program must protect.
      'git/shared-config.ts',
      'hosts/github.ts',
      'lock.ts',
      'secret-file.ts',
    ])
  })

  test("are removed from a server's words by the answer itself, which knows them", () => {
    const quoters = filesWith(/quoteForLog/)
    expect(quoters.filter((path) => /^(?:bitbucket|stores|authorize)\//.test(path))).toEqual([
      // It quotes the user's own command.
      'stores/command.ts',
    ])
  })
})

describe('connections', () => {
  test('are opened only by http/transport.ts, through @actions/http-client', () => {
    const importers = sources.filter(({ imports }) => imports.some(isHttpClient))
    expect(importers.map(({ path }) => path)).toEqual(['http/transport.ts'])
  })

  test("are opened by nobody else through Node's own modules", () => {
    const modules = /^node:(?:https?|http2|net|tls|dgram|dns)(?:\/|$)/
    expect(
      offences(({ module }, name) => modules.test(name) && !['http', 'sandbox'].includes(module)),
    ).toEqual([
      // It reads a pipe.
      'exec/output.ts -> node:net',
    ])
    expect(filesWith(/\bfetch\(/)).toEqual([
      // The browser runs this page.
      'authorize/pages.ts',
      // The library sends a caller's own requests with the caller's `fetch`.
      'library/authenticated-api.ts',
    ])
  })
})

test('time, randomness, environment and streams come through World', () => {
  const ambient = [
    /\bprocess\.(?:env|cwd|hrtime|stdin|stdout|stderr)\b/,
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bset(?:Timeout|Interval)\(/,
    /\bMath\.random\b|\brandom(?:Bytes|UUID|Int)\b|\bgetRandomValues\b/,
  ]
  const users = new Set(ambient.flatMap(filesWith).filter((path) => moduleOf(path) !== 'sandbox'))
  expect([...users].sort()).toEqual([
    // A recipe for users contains process.env.
    // OAuth's state and verifier need cryptographic randomness.
    'authorize/attempts.ts',
    // `open` starts the browser with the environment of this process.
    'authorize/browser.ts',
    // The key of the broker needs cryptographic randomness.
    'exec/broker.ts',
    // @actions/http-client reads the proxy's variables itself.
    'http/transport.ts',
    // The heartbeat of a lock sets the time of its file while the work runs.
    'lock.ts',
    // They run before and around everything that has a World.
    'old-node.ts',
    'program.ts',
    // Limits how long it reads stderr after the user's command has ended.
    'stores/command.ts',
    // It sets variables for the tests of programs of users.
    'testing/set-env-vars.ts',
    'world.ts',
  ])
})

test('the version is that of package.json', () => {
  expect(version).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version)
})
