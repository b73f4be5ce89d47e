/**
 * `node scripts/release/dist-tree.ts BUILT BASE <PATHS` prints the request for a git tree (GitHub's "Create a tree") that is
 * BASE with the files of the directory BUILT as its dist. PATHS lists every path in BASE, one per line. commit-dist.yml uses
 * it. BUILT comes from an untrusted build, so only plain files with the names of a build are accepted.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [built = '', base = ''] = process.argv.slice(2)
const mostBytes = 500_000

const names = readdirSync(built).sort()
let bytes = 0
for (const name of names) {
  const found = lstatSync(join(built, name))
  bytes += found.size
  if (!found.isFile() || !/^(?:[\w-]+\.)?index\.js$|^package\.json$|^(?:contents|licenses)\.txt$/.test(name))
    refuse(`${JSON.stringify(name)} is not a plain file with a name of dist`)
}
if (!names.includes('index.js')) refuse('index.js is missing')
if (bytes > mostBytes) refuse(`the files have ${bytes} bytes, more than ${mostBytes}`)

// This list comes from GitHub and not from the build.
const before = readFileSync(0, 'utf8').split('\n')
const gone = before.filter((path) => /^dist\/[^/]+$/.test(path) && !names.includes(path.slice(5)))
const entry = (path: string, content: { content: string } | { sha: null }) => ({
  path,
  mode: path === 'dist/index.js' ? '100755' : '100644',
  type: 'blob',
  ...content,
})
const tree = [
  ...names.map((name) => entry(`dist/${name}`, { content: readFileSync(join(built, name), 'utf8') })),
  ...gone.map((path) => entry(path, { sha: null })),
]
console.log(JSON.stringify({ base_tree: base, tree }))

function refuse(why: string): never {
  console.error(`Not committed: ${why}.`)
  process.exit(1)
}
