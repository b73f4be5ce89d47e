/**
 * Bundles the packages that the library in lib/ (or in the directory given) needs into the modules that use them. Users
 * then install nothing else, and get the replacement for undici too. All other modules stay separate files, so that
 * bundlers can leave them out.
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
  // Finds this project's packages, wherever lib/ is.
  nodePaths: [join(import.meta.dirname, '../node_modules')],
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'inline',
  plugins: [
    {
      name: 'only packages',
      setup({ onResolve, onLoad }) {
        // Our own modules stay external, because an object of one copy of a class is not an instance of another copy.
        onResolve({ filter: /^\.\.?\// }, ({ importer, path }) =>
          modules.includes(importer) ? { path, external: true } : undefined,
        )
        // Packages in CommonJS load Node's modules with `require`, which ES modules do not have.
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
