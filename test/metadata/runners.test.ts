import { expect, test } from 'vitest'
import { runners } from '../runners/install.ts'
import { readText } from './files.ts'

test.each(Object.entries(runners))(
  'docs/ci.md names the version of %s that test:runners installs',
  (name, { version }) => {
    expect(readText('docs/ci.md')).toContain(`${name} ${version}`)
  },
)
