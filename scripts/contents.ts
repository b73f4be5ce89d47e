import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file of dist, and what is in it. */
export interface DistFile {
  readonly name: string
  readonly size: number
  /** The imports that load it, as the source writes them: `./cli.ts`; none for index.js */
  readonly loadedFor: readonly string[]
  /** Bytes by path: `src/main.ts`. */
  readonly modules: ReadonlyMap<string, number>
  /** Bytes by the directory of the package. */
  readonly packages: ReadonlyMap<string, number>
}

/** Returns dist/contents.txt, which lists for each file of dist the modules and packages in it, the largest first. */
export function contentsOf(files: readonly DistFile[]): string {
  const sections = files.map(({ name, size, loadedFor, modules, packages }) => {
    const why = loadedFor.length === 0 ? '' : `, loaded by import('${loadedFor.join("'), import('")}')`
    const lines = [
      ...bySize(packages).map(([path, bytes]) => [bytes, described(path)]),
      ...bySize(modules).map(([path, bytes]) => [bytes, path]),
    ]
    return [
      `${name}: ${size} bytes${why}`,
      ...lines.map(([bytes, what]) => `${String(bytes).padStart(8)}  ${what}`),
    ].join('\n')
  })
  return `${[heading, ...sections].join('\n\n')}\n`
}

const heading = `What is in each file of dist, in bytes. \`npm run build\` writes this list.
The size of a module is that of its code, minified alone, so the sum differs from the size of the file.
Packages come first, with version and license; licenses.txt has the texts of their licenses.`

/** Returns the name, version and license of a package. */
function described(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  return `${name} ${version} (${license})`
}

/** Sorts by size and then by name, so that the same sources give the same list on every machine. */
const bySize = (sizes: ReadonlyMap<string, number>): [string, number][] =>
  [...sizes].sort(([a, sizeOfA], [b, sizeOfB]) => sizeOfB - sizeOfA || (a < b ? -1 : 1))
