import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { version } from '../src/version.ts'

/** The house from the top down (CONTRIBUTING.md, where things are): what stands on one floor may import from its own and from those below. */
const floors = [
  ['index.ts'],
  ['old-node.ts', 'program.ts'],
  ['evaluated.ts'],
  ['main.ts'],
  ['commands'],
  ['inputs.ts', 'input-help.ts', 'command-line.ts', 'outputs.ts'],
  ['authorize'],
  ['testing'],
  ['library'],
  ['credentials'],
  ['stores'],
  ['bitbucket'],
  ['http'],
  ['hosts'],
  ['git'],
  ['audit'],
  ['sandbox'],
  ['secret-file.ts', 'lock.ts'],
  ['foreign-file.ts', 'ownership.ts', 'mounts.ts'],
  ['paths.ts'],
  ['secret.ts'],
  ['decodings.ts'],
  ['errors.ts'],
  ['inert.ts'],
  ['boolean.ts', 'misplaced.ts'],
  ['json.ts'],
  ['version.ts'],
  ['spelling.ts'],
  ['terminal.ts'],
  ['windows.ts'],
  ['world.ts'],
]

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

interface Source {
  /** `hosts/github.ts` */
  readonly path: string
  /** `hosts` */
  readonly room: string
  readonly text: string
  /** What it imports: `secret.ts`, `hosts/host.ts`, or a package's name. */
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
    return { path, room: roomOf(path), text, imports }
  })

function roomOf(path: string): string {
  return path.split('/')[0] ?? ''
}

const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room))
const isHttpClient = (name: string) => /^@actions\/http-client(?:\/|$)/.test(name)
const isOurs = (name: string) => name.endsWith('.ts')

/** `importer -> imported` for each import for which this holds. */
const offences = (isOne: (source: Source, imported: string) => boolean): string[] =>
  sources.flatMap((source) =>
    source.imports.filter((name) => isOne(source, name)).map((name) => `${source.path} -> ${name}`),
  )

/** The files whose text has this. */
const filesWith = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path)

test('the whole house is looked at', () => {
  expect(sources.length).toBeGreaterThan(30)
  const main = sources.find(({ path }) => path === 'main.ts')
  expect(main?.imports).toEqual(expect.arrayContaining(['command-line.ts', 'hosts/github.ts', 'version.ts']))
  // One of node's own, so that these are looked at too.
  expect(sources.find(({ path }) => path === 'world.ts')?.imports).toContain('node:fs')
  expect(sources.map(({ room }) => room).filter((room) => floorOf(room) < 0)).toEqual([])
})

describe('imports', () => {
  test('point down the list', () => {
    expect(
      offences((source, imported) => isOurs(imported) && floorOf(roomOf(imported)) < floorOf(source.room)),
    ).toEqual([])
  })

  test('never go round in a circle', () => {
    const importsOf = new Map(sources.map(({ path, imports }) => [path, imports.filter(isOurs)]))
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (path: string, way: readonly string[]) => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' -> '))
      else if (!done.has(path)) for (const next of importsOf.get(path) ?? []) visit(next, [...way, path])
      done.add(path)
    }
    for (const path of importsOf.keys()) visit(path, [])
    // Types alone may: they are gone when the program runs.
    expect(circles.filter((circle) => !isOfTypesAlone(circle))).toEqual([])
  })

  test('let bitbucket/ know no CI', () => {
    const others = ['hosts', 'commands', 'inputs.ts', 'command-line.ts', 'credentials', 'main.ts']
    expect(offences(({ room }, name) => room === 'bitbucket' && others.includes(roomOf(name)))).toEqual([])
  })

  test('let hosts/ know no Bitbucket', () => {
    const others = ['bitbucket', 'credentials', 'commands', 'inputs.ts', 'command-line.ts', 'main.ts']
    expect(offences(({ room }, name) => room === 'hosts' && others.includes(roomOf(name)))).toEqual([])
  })

  test('leave sandbox/ on its own, for users take it alone', () => {
    expect(
      offences(({ room }, name) => room === 'sandbox' && isOurs(name) && roomOf(name) !== 'sandbox'),
    ).toEqual([])
  })

  test('keep the CI out of library/', () => {
    const others = ['hosts', 'git', 'sandbox']
    expect(offences(({ room }, name) => room === 'library' && others.includes(roomOf(name)))).toEqual([])
  })

  test('end at node and a few packages that docs/decisions.md answers for', () => {
    const isForeign = (name: string) => !isOurs(name) && !name.startsWith('node:') && !isHttpClient(name)
    expect(offences((_, name) => isForeign(name)).toSorted()).toEqual([
      'authorize/browser.ts -> open',
      'credentials/sign-jwt.ts -> @tsndr/cloudflare-worker-jwt',
      'hosts/actions-core.ts -> @actions/core',
      'hosts/other-ci.ts -> ci-info/vendors.json',
      'stores/sealed-box.ts -> @noble/ciphers/salsa.js',
      'stores/sealed-box.ts -> @noble/hashes/blake2.js',
      'testing/mock.ts -> nock',
    ])
  })
})

/** Whether at least one step of a circle imports nothing but types. */
function isOfTypesAlone(circle: string): boolean {
  const steps = circle.split(' -> ')
  return steps.slice(0, -1).some((path, index) => {
    const text = sources.find((source) => source.path === path)?.text ?? ''
    const target = relative(dirname(path), steps[index + 1] ?? '')
    const specifier = target.startsWith('.') ? target : `./${target}`
    const statements = [...text.matchAll(/^import (type )?[^;]*? from '([^']+)'/gm)].filter(
      ([, , name]) => name === specifier,
    )
    return statements.length > 0 && statements.every(([, type]) => type !== undefined)
  })
}

describe('a secret is revealed', () => {
  test('only where it leaves the program', () => {
    const rooms = ['http', 'hosts', 'stores', 'secret-file.ts', 'secret.ts']
    expect(filesWith(/\.reveal\(/).filter((path) => !rooms.includes(roomOf(path)))).toEqual([
      // What a caller gets, what a storage keeps, and what a caller's own HTTP client sends.
      'library/bitbucket-token.ts',
      'library/renewal.ts',
      'library/request.ts',
    ])
  })

  test('and written to disk only by secret-file.ts', () => {
    const writers = sources.filter(
      ({ text, room }) => room !== 'sandbox' && /\b(?:writeFile|appendFile|createWriteStream)/.test(text),
    )
    // A runner's own files, git's configuration and a lock hold none of their own making.
    expect(writers.map(({ path }) => path).toSorted()).toEqual(
      ['git/shared-config.ts', 'hosts/github.ts', 'lock.ts', 'secret-file.ts'].filter((path) =>
        sources.some((source) => source.path === path),
      ),
    )
  })
})

test('words of a server are made ready for a log by its answer, which knows the secrets', () => {
  const quoters = sources.filter(
    ({ text, room }) => /quoteForLog/.test(text) && ['bitbucket', 'stores', 'authorize'].includes(room),
  )
  // A person's own command.
  expect(quoters.map(({ path }) => path)).toEqual(['stores/command.ts'])
})

describe('a socket is opened', () => {
  test('only by http/transport.ts, through @actions/http-client', () => {
    const importers = sources.filter(({ imports }) => imports.some(isHttpClient)).map(({ path }) => path)
    expect(importers).toEqual(['http/transport.ts'])
  })

  test('by nobody else with what node has', () => {
    const modules = /^node:(?:https?|http2|net|tls|dgram|dns)(?:\/|$)/
    expect(offences(({ room }, name) => modules.test(name) && !['http', 'sandbox'].includes(room))).toEqual(
      [],
    )
    // That of the page is the browser's; the library sends a caller's own requests with the caller's fetch.
    expect(filesWith(/^(?! *(?:\/?\*|\/\/)).*\bfetch\(/m)).toEqual([
      'authorize/pages.ts',
      'library/authenticated-api.ts',
    ])
  })
})

test('the version is that of package.json', () => {
  expect(version).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version)
})
