/**
 * Builds dist/ from the JavaScript that tsc has written to build/ (ncc's own TypeScript loader does not work with
 * TypeScript 7). ncc bundles it, and esbuild minifies every file, because ncc can minify only the first one.
 * dist/contents.txt lists what is in each file, and dist/licenses.txt the licenses of the packages.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ncc, { type Chunk, type Module } from '@vercel/ncc'
import { build as esbuild, type Plugin, type TransformOptions, transformSync } from 'esbuild'
import { contentsOf, type DistFile } from './contents.ts'
import { licensesOf, packageOf } from './licenses.ts'

const root = join(import.meta.dirname, '..')
const build = join(root, 'build')
const dist = join(root, 'dist')

// These modules use a small part of a library. esbuild leaves the rest out, and ncc would not.
const { metafile } = await esbuild({
  absWorkingDir: root,
  entryPoints: [
    'authorize/browser.js',
    'credentials/sign-jwt.js',
    'hosts/actions-core.js',
    'stores/sealed-box.js',
  ].map((file) => join(build, file)),
  outdir: build,
  outbase: build,
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  minify: true,
  metafile: true,
  plugins: [withoutSideEffects(/[/\\]@actions[/\\]core[/\\]/)],
})
const inputsOf = new Map(
  Object.entries(metafile.outputs).map(([output, { inputs }]) => [
    join(root, output),
    Object.entries(inputs).flatMap(([input, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [[join(root, input), bytesInOutput] as const] : [],
    ),
  ]),
)

// ncc looks for a type in the nearest package.json. Without one it writes CommonJS, its default, which Node starts sooner.
writeFileSync(join(build, 'package.json'), '{}\n')
const { code, assets, stats } = await ncc(join(build, 'index.js'), { cache: false, quiet: true })
const { chunks, chunkGraph } = stats.compilation

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
for (const [name, { source }] of Object.entries({ 'index.js': { source: code }, ...assets })) {
  const content = name.endsWith('.js') ? minify(source.toString(), { target: targetOf(name) }) : source
  writeFileSync(join(dist, name), content)
}
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n')
const files = [...chunks].flatMap((chunk) => [...chunk.files].map((name) => fileOfDist(name, chunk)))
writeFileSync(join(dist, 'contents.txt'), contentsOf(files.sort((a, b) => (a.name < b.name ? -1 : 1))))
// ncc has an option for this, but it misses ES modules.
writeFileSync(
  join(dist, 'licenses.txt'),
  licensesOf([...chunks].flatMap((chunk) => [...filesIn(chunk).keys()])),
)
chmodSync(join(dist, 'index.js'), 0o755)
if (!readFileSync(join(dist, 'index.js'), 'utf8').startsWith('#!'))
  throw new Error('dist/index.js lost its #! line')

/**
 * Lets esbuild leave out the modules of a package that nothing uses. @actions/core does not say that this is safe, so esbuild
 * would keep its OIDC client, HTTP client and process runner.
 */
function withoutSideEffects(directory: RegExp): Plugin {
  return {
    name: 'without side effects',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^/ }, async ({ path, pluginData, ...options }) => {
        if (pluginData === 'resolved') return undefined
        const found = await resolve(path, { ...options, pluginData: 'resolved' })
        return directory.test(found.path) || directory.test(options.importer)
          ? { ...found, sideEffects: false }
          : found
      })
    },
  }
}

function fileOfDist(name: string, chunk: Chunk): DistFile {
  const modules = new Map<string, number>()
  const packages = new Map<string, number>()
  for (const [file, size] of filesIn(chunk)) {
    const [, directory] = packageOf(file) ?? []
    if (directory === undefined) modules.set(sourceOf(relative(root, file)), size)
    else packages.set(directory, (packages.get(directory) ?? 0) + size)
  }
  const requests = [...chunk.groupsIterable].flatMap(({ origins }) => origins.map(({ request }) => request))
  // The request for index.js is an absolute path.
  const imports = requests.filter((request) => request?.startsWith('.'))
  const loadedFor = [...new Set(imports.map((request = '') => request.replace(/\.js$/, '.ts')))].sort()
  return { name, size: statSync(join(dist, name)).size, loadedFor, modules, packages }
}

/** Returns the size of each file in a chunk, in minified bytes. */
function filesIn(chunk: Chunk): Map<string, number> {
  return new Map([...chunkGraph.getChunkModulesIterable(chunk)].flatMap(filesOf))
}

/** Returns the files that a module consists of: both webpack (in ncc) and esbuild join several files into one module. */
function filesOf({ resource, modules = [] }: Module): (readonly [file: string, size: number])[] {
  const own =
    resource === undefined ? [] : (inputsOf.get(resource) ?? [[resource, sizeOf(resource)] as const])
  return [...own, ...[...modules].flatMap(filesOf)]
}

function sizeOf(file: string): number {
  const text = readFileSync(file, 'utf8')
  // Without a format, esbuild would keep all top-level names, because scripts on the same page could use them.
  return file.endsWith('.js') ? minify(text, { format: 'esm' }).length : text.length
}

/** Returns the source file that tsc has compiled to a file of build/. */
function sourceOf(file: string): string {
  return file.replace(/^build\/(.*)\.js$/, 'src/$1.ts')
}

/** Returns the oldest Node for a file of dist. An old Node must run the first file, which says that it is too old. */
function targetOf(name: string): string {
  return name === 'index.js' ? 'node12.20' : 'node20'
}

function minify(code: string, options: TransformOptions): string {
  return transformSync(code, { minify: true, legalComments: 'none', ...options }).code
}
