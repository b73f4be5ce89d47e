/**
 * Makes the library that tsc has written to lib/ (or to the directory that is named) stand on its own: the HTTP client
 * goes into the one module that uses it. So a user installs nothing else, and gets the stand-in for undici too. Every
 * other module stays as it is, for a bundler to take or leave.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'

const [directory = join(import.meta.dirname, '../lib')] = process.argv.slice(2)
const transport = join(directory, 'http/transport.js')

await build({
  entryPoints: [transport],
  outfile: transport,
  allowOverwrite: true,
  bundle: true,
  // From wherever lib/ lies, the packages are this project's.
  nodePaths: [join(import.meta.dirname, '../node_modules')],
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'inline',
  plugins: [
    {
      name: 'only packages',
      setup({ onResolve, onLoad }) {
        // Two copies of one of our classes would not be instances of each other.
        onResolve({ filter: /^\.\.?\// }, ({ importer, path }) =>
          importer === transport ? { path, external: true } : undefined,
        )
        // What is still CommonJS asks for node's modules with a `require` that ES modules do not have.
        onResolve({ filter: /^/ }, ({ kind, path }) =>
          kind === 'require-call' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
        )
        onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
          contents: `export * from ${JSON.stringify(`node:${path}`)}`,
        }))
      },
    },
  ],
})

// tunnel (inside http-client) sends a proxy's password through the deprecated constructor, at which node warns.
const code = readFileSync(transport, 'utf8').replaceAll('new Buffer(', 'Buffer.from(')
writeFileSync(transport, code)

const foreign = [...code.matchAll(/^import .*?"([^"]+)";$/gm)]
  .map(([, name = '']) => name)
  .filter((name) => !name.startsWith('.') && !isBuiltin(name))
if (foreign.length > 0) throw new Error(`lib/http/transport.js still needs ${foreign.join(', ')}`)
