/**
 * Bundles build/index.js into dist/ with ncc, from JavaScript that tsc has made (ncc's own TypeScript loader does not
 * work with TypeScript 7), and takes the white space out of every chunk with esbuild (ncc would minify only the
 * first), and long names too: a run loads less.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ncc, { type Module } from '@vercel/ncc'
import { buildSync, transformSync } from 'esbuild'
import { licensesOf } from './licenses.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
// Of the libraries that these import, a part is used; esbuild leaves the rest out, ncc would not.
const { metafile } = buildSync({
  absWorkingDir: root,
  entryPoints: ['authorize/browser.js', 'credentials/sign-jwt.js', 'stores/sealed-box.js'].map((file) =>
    join(root, 'build', file),
  ),
  outdir: join(root, 'build'),
  outbase: join(root, 'build'),
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  metafile: true,
})

// package.json calls all modules free of side effects, for users of the library; this one is to be where it is imported, so
// that the chunks bring no copies of it (src/hosts/index.ts).
const modules = { type: 'module', sideEffects: ['./secret-file.js'] }
writeFileSync(join(root, 'build/package.json'), JSON.stringify(modules))

const idleMethods = [
  ...['options', 'get', 'del', 'post', 'patch', 'put', 'head', 'sendStream'],
  ...['getJson', 'postJson', 'putJson', 'patchJson', '_processResponse', 'getAgentDispatcher'],
  ...['_getExistingOrDefaultHeader', '_getExistingOrDefaultContentTypeHeader', '_getProxyAgentDispatcher'],
]

const { code, assets, stats } = await ncc(join(root, 'build/index.js'), { cache: false, quiet: true })

rmSync(dist, { recursive: true, force: true })
const files = Object.entries(assets).map(([name, { source }]) => [name, source.toString()] as const)
const chunks = chunkNames([code, ...files.map(([, source]) => source)])
for (const [name, source] of [['index.js', code] as const, ...files]) {
  const path = join(
    dist,
    name.replace(/^\d+/, (id) => chunks.get(id) ?? id),
  )
  mkdirSync(dirname(path), { recursive: true })
  const content = name.endsWith('.js')
    ? shrink(withoutIdleParts(mendTunnel(withNames(source))), name)
    : source
  writeFileSync(path, content)
}
// ncc has an option for this, but it misses what is an ES module.
const bundled = [...stats.compilation.modules].flatMap(filesOf)
const inSealedBox = Object.keys(metafile.inputs).map((path) => join(root, path))
writeFileSync(join(dist, 'licenses.txt'), licensesOf([...bundled, ...inSealedBox]))
chmodSync(join(dist, 'index.js'), 0o755)
if (!readFileSync(join(dist, 'index.js'), 'utf8').startsWith('#!'))
  throw new Error('dist/index.js lost its #! line')

/**
 * The names that `webpackChunkName` gives, by the numbers that ncc puts in their place. What one import loads may be two
 * chunks; then each keeps its number too.
 */
function chunkNames(sources: readonly string[]): Map<string, string> {
  const imports = sources.flatMap((source) => [
    ...source.matchAll(/\/\* import\(\) \| ([\w-]+) \*\/\s?((?:\d+|\[[^\]]*\]))/g),
  ])
  const names = new Map(
    imports.flatMap(([, name = '', ids = '']) => (ids.match(/\d+/g) ?? []).map((id) => [id, name] as const)),
  )
  const isShared = (name: string) => [...names.values()].filter((other) => other === name).length > 1
  return new Map([...names].map(([id, name]) => [id, isShared(name) ? `${name}-${id}` : name]))
}

/** The names again, so that a person sees in dist/ what is in which file, and the bench too. */
function withNames(source: string): string {
  const named = (id: string) => JSON.stringify(chunks.get(id) ?? Number(id))
  return source
    .replaceAll(/\.e\((?:\/\*[^*]*\*\/ )?(\d+)\)/g, (_, id: string) => `.e(${named(id)})`)
    .replace(/^export const id = (\d+);$/m, (_, id: string) => `export const id = ${named(id)};`)
    .replace(
      /^export const ids = \[([\d,]+)\];$/m,
      (_, ids: string) => `export const ids = [${ids.split(',').map(named)}];`,
    )
}

/** A module's file, or those of the modules that were put together into it. */
function filesOf({ resource, modules = [] }: Module): string[] {
  return [...(resource === undefined ? [] : [resource]), ...[...modules].flatMap(filesOf)]
}

/**
 * tunnel (inside http-client) sends a proxy's password through the deprecated constructor, at which node warns, and
 * loads node's `assert`, which it never uses.
 */
function mendTunnel(code: string): string {
  return code
    .replaceAll('new Buffer(', 'Buffer.from(')
    .replace(/^var assert = __webpack_require__\(\d+\);$/m, '')
}

/**
 * Takes out of http-client what nothing here calls: its verbs, JSON, undici, most of its constants. That is nearly half
 * of it, and no bundler drops a method. (One of these that was called after all would fail every test of `dist`.)
 */
function withoutIdleParts(code: string): string {
  if (!code.includes('class HttpClient {')) return code
  const used = withoutMethods(withoutMethods(code, 'HttpClient', idleMethods), 'HttpClientResponse', [
    'readBody',
    'readBodyBuffer',
  ])
  return used
    .replaceAll(/^ {4}(\w+)\[(?:\1\[)?"(\w+)"\].*\n/gm, (line, list: string, name: string) =>
      used.includes(`${list}.${name}`) ? line : '',
    )
    .replaceAll(/^(?:function|class) (\w+)\b.*\{\n[\s\S]*?^\}\n/gm, (declaration, name: string) =>
      used.split(new RegExp(`\\b${name}\\b`)).length > 2 ? declaration : '',
    )
    .replaceAll(/^var (\w+);\n\(function \(\1\) \{\n\}\)\(\1 \|\| \(\1 = \{\}\)\);\n/gm, '')
}

function withoutMethods(code: string, owner: string, names: readonly string[]): string {
  const start = code.indexOf(`class ${owner} {`)
  const end = code.indexOf('\n}\n', start) + 1
  let body = code.slice(start, end)
  for (const name of names) {
    const smaller = body.replace(new RegExp(`^    ${name}\\([^\\n]*\\) \\{\\n[^]*?^    \\}\\n`, 'm'), '')
    if (smaller === body)
      throw new Error(`http-client has no method ${name} any more: look at scripts/bundle.ts`)
    body = smaller
  }
  for (const name of names)
    if (body.includes(`this.${name}(`)) throw new Error(`http-client calls its ${name}`)
  return code.slice(0, start) + body + code.slice(end)
}

function shrink(code: string, name: string): string {
  return transformSync(code, {
    // Else the names outside all functions would stay as they are, as a script may share them with others.
    format: 'esm',
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    legalComments: 'none',
    // The first chunk has to run on a Node that is too old, to say so (src/old-node.ts).
    target: name === 'index.js' ? 'node12.20' : 'node20',
  }).code
}
