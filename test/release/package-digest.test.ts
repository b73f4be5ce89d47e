import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = join(import.meta.dirname, '../..')

/** Moves the clock of everything that runs in Node a year ahead. */
const yearAhead = `
  globalThis.Date = class extends Date {
    constructor(...args) { super(...(args.length === 0 ? [Date.now()] : args)) }
    static now() { return super.now() + 365 * 24 * 60 * 60 * 1000 }
  }`

/** Copies the sources with the umask, without dist and lib, and packs them as release.yml does. */
const packing = `
  umask "$1"
  cd "$2"
  git -c safe.directory="$2" ls-files -z --cached --others --exclude-standard -- ':!dist' |
    xargs -0 cp --parents --target-directory="$3"
  cp --archive --link node_modules "$3"
  cd "$3"
  npm pack --silent`

/** Returns the SHA-256 of the package and of each file of dist and lib. */
async function digestsOf(umask: string, variables: Readonly<Record<string, string>>) {
  const copy = join(temporaryDirectory(), `sources-with-${umask}`)
  mkdirSync(copy)
  const env = { ...process.env, ...variables }
  await promisify(execFile)('sh', ['-ec', packing, 'sh', umask, root, copy], { env, maxBuffer: 2 ** 24 })
  const files = ['dist', 'lib'].flatMap((name) =>
    readdirSync(join(copy, name), { recursive: true, withFileTypes: true, encoding: 'utf8' }),
  )
  const paths = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const archives = readdirSync(copy).filter((name) => name.endsWith('.tgz'))
  return Object.fromEntries(
    [...paths, ...archives.map((name) => join(copy, name))].map((path) => [
      path.slice(copy.length),
      createHash('sha256').update(readFileSync(path)).digest('hex'),
    ]),
  )
}

test.skipIf(!process.env['RELEASE'])(
  'dist, lib and the package are the same for every directory, umask, time and time zone (npm run test:release)',
  { timeout: 240_000 },
  async () => {
    const clock = join(temporaryDirectory(), 'year-ahead.cjs')
    writeFileSync(clock, yearAhead)
    const first = await digestsOf('022', { TZ: 'UTC' })
    expect(Object.keys(first)).toEqual(
      expect.arrayContaining(['/dist/index.js', '/lib/library/index.js', expect.stringMatching(/\.tgz$/)]),
    )
    expect(
      await digestsOf('077', { TZ: 'Asia/Kolkata', NODE_OPTIONS: `--require=${JSON.stringify(clock)}` }),
    ).toEqual(first)
  },
)
