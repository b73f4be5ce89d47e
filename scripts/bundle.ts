/**
 * Bundles build/main.js into dist/ with ncc, from JavaScript that tsc has made (ncc's own TypeScript loader does not
 * work with TypeScript 7), and takes the white space out of every chunk with esbuild (ncc would minify only the
 * first), and long names too: a run loads less.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ncc from '@vercel/ncc'
import { transformSync } from 'esbuild'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const { code, assets } = await ncc(join(root, 'build/main.js'), { cache: false, quiet: true })

rmSync(dist, { recursive: true, force: true })
for (const [name, { source }] of Object.entries({ 'index.js': { source: code }, ...assets })) {
  mkdirSync(dirname(join(dist, name)), { recursive: true })
  // tunnel (inside http-client) sends a proxy's password through the deprecated constructor, at which node warns.
  const content = name.endsWith('.js')
    ? shrink(withoutRequire(source.toString()).replaceAll('new Buffer(', 'Buffer.from('))
    : source
  writeFileSync(join(dist, name), content)
}
chmodSync(join(dist, 'index.js'), 0o755)
if (!readFileSync(join(dist, 'index.js'), 'utf8').startsWith('#!'))
  throw new Error('dist/index.js lost its #! line')

/**
 * ncc makes a `require` of its own for each of node's modules that is used; asking node for them is shorter and faster.
 * (A node before 20.16 cannot be asked.)
 */
function withoutRequire(code: string): string {
  const [head, made] = [
    /^import \{ createRequire as (\w+) \} from "module";$/m,
    /\b\w+\(import\.meta\.url\)\("/g,
  ]
  const name = head.exec(code)?.[1]
  if (name === undefined) return code
  return code
    .replaceAll(made, 'builtin("')
    .replace(head, (line) => `${line}\nvar builtin = process.getBuiltinModule ?? ${name}(import.meta.url);`)
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
