/**
 * Makes the library that tsc has written to lib/ (or to the directory that is named) stand on its own: the packages that
 * it needs go into the modules that use them. So a user installs nothing else, and gets the stand-in for undici too.
 * Every other module stays as it is, for a bundler to take or leave.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'

const [directory = join(import.meta.dirname, '../lib')] = process.argv.slice(2)
const modules = ['http/transport.js', 'credentials/sign-jwt.js'].map((name) => join(directory, name))

await build({
  entryPoints: modules,
  outdir: directory,
  outbase: directory,
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
          modules.includes(importer) ? { path, external: true } : undefined,
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

// What is left must be there on any machine that has node.
const imported = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.js') && name !== join('testing', 'mock.js'))
  .flatMap((name) => [
    ...readFileSync(join(directory, name), 'utf8').matchAll(/^import .*?["']([^"']+)["'];$/gm),
  ])
  .map(([, name = '']) => name)
const foreign = imported.filter((name) => !name.startsWith('.') && !isBuiltin(name))
if (foreign.length > 0) throw new Error(`lib/ still needs ${foreign.join(', ')}`)
