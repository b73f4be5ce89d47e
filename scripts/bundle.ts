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

const { code, assets, stats } = await ncc(join(root, 'build/index.js'), { cache: false, quiet: true })

rmSync(dist, { recursive: true, force: true })
for (const [name, { source }] of Object.entries({ 'index.js': { source: code }, ...assets })) {
  mkdirSync(dirname(join(dist, name)), { recursive: true })
  const content = name.endsWith('.js')
    ? shrink(withoutIdleMethods(mendTunnel(withoutRequire(source.toString()))))
    : source
  writeFileSync(join(dist, name), content)
}
// ncc has an option for this, but it misses what is an ES module.
const bundled = [...stats.compilation.modules].flatMap(filesOf)
const inSealedBox = Object.keys(metafile.inputs).map((path) => join(root, path))
writeFileSync(join(dist, 'licenses.txt'), licensesOf([...bundled, ...inSealedBox]))
chmodSync(join(dist, 'index.js'), 0o755)
if (!readFileSync(join(dist, 'index.js'), 'utf8').startsWith('#!'))
  throw new Error('dist/index.js lost its #! line')

/** A module's file, or those of the modules that were put together into it. */
function filesOf({ resource, modules = [] }: Module): string[] {
  return [...(resource === undefined ? [] : [resource]), ...[...modules].flatMap(filesOf)]
}

/**
 * ncc makes a `require` of its own for each of node's modules that is used; asking node for them is shorter and faster.
 * (A node before 20.16 cannot be asked.)
 */
function withoutRequire(code: string): string {
  const head = /^import \{ createRequire as \w+ \} from "module";$/m
  if (!head.test(code)) return code
  const builtin = 'process.getBuiltinModule ?? (await import("module")).createRequire(import.meta.url)'
  return code
    .replaceAll(/\b\w+\(import\.meta\.url\)\("/g, 'builtin("')
    .replace(head, `var builtin = ${builtin};`)
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
 * Takes out of http-client's class what nothing here calls: its verbs, JSON and undici. That is a third of it, and no
 * bundler drops a method. (One of these that was called after all would fail every test of `dist`.)
 */
function withoutIdleMethods(code: string): string {
  if (!code.includes('class HttpClient {')) return code
  const names = [
    ...['options', 'get', 'del', 'post', 'patch', 'put', 'head', 'sendStream'],
    ...['getJson', 'postJson', 'putJson', 'patchJson', '_processResponse', 'getAgentDispatcher'],
    ...['_getExistingOrDefaultHeader', '_getExistingOrDefaultContentTypeHeader', '_getProxyAgentDispatcher'],
  ]
  const start = code.indexOf('class HttpClient {')
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

function shrink(code: string): string {
  return transformSync(code, {
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    legalComments: 'none',
    target: 'node20',
  }).code
}
