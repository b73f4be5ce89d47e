import { expect, test } from 'vitest'
import { TokenError } from '../src/errors.ts'
import { plainLog } from '../src/hosts/plain-log.ts'
import { reportAll } from '../src/report.ts'
import { ReaderGone } from '../src/world.ts'
import { fakeWorld } from './support/fake-world.ts'

const unsaved = new TokenError('store-unwritable', 'The new refresh token could not be saved.', 'Save it.')
const refused = new TokenError('credential-refused', 'Bitbucket refused the token.', 'Make another.')

test.each([
  ['nothing', [], 0],
  ['an error that was deferred', [unsaved], 4],
  ['the error that ended the run, not a deferred one', [unsaved, refused], 3],
  ['a reader that is gone', [new ReaderGone()], 141],
  ['any other error, not a reader that is gone', [unsaved, new ReaderGone()], 4],
])('the exit status is that of %s', (_, errors, status) => {
  const world = fakeWorld()
  expect(reportAll(errors, plainLog(world, false), (text) => text)).toBe(status)
  for (const error of errors) if (error instanceof TokenError) expect(world.err()).toContain(error.message)
})
