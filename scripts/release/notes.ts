/**
 * `node scripts/release/notes.ts v1.2.3` prints the changes of that tag's release from CHANGELOG.md. Fails if the tag is not
 * the version in package.json, or CHANGELOG.md has no section for it, because then the commit is not a release.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { notesOf } from './changelog.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../..', name), 'utf8')
const [tag = ''] = process.argv.slice(2)
const { version } = JSON.parse(read('package.json')) as { version: string }
const notes = notesOf(read('CHANGELOG.md'), version)

if (tag !== `v${version}`) {
  console.error(`The tag is "${tag}", but package.json is at ${version}.`)
  process.exitCode = 1
} else if (notes === '') {
  console.error(
    `CHANGELOG.md has no section for ${version}. Run: npx node scripts/release/prepare.ts ${version}`,
  )
  process.exitCode = 1
} else console.log(notes)
