import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { loadTlsEarly } from '../../src/http/client.ts'

const getBuiltinModule = vi.spyOn(process, 'getBuiltinModule')
afterEach(() => getBuiltinModule.mockClear())

test.each([
  [['https://bitbucket.org', 'https://api.bitbucket.org'], 1],
  [['http://127.0.0.1:7990', 'https://api.bitbucket.org'], 1],
  [['http://127.0.0.1:7990', 'http://127.0.0.1:7991'], 0],
])('for %j loads TLS %d times', (addresses, times) => {
  loadTlsEarly(...addresses.map((address) => new URL(address)))
  expect(getBuiltinModule.mock.calls).toEqual(Array.from({ length: times }, () => ['node:tls']))
})

test('does nothing on a node without getBuiltinModule', () => {
  const { getBuiltinModule } = process
  onTestFinished(() => void Object.assign(process, { getBuiltinModule }))
  Object.assign(process, { getBuiltinModule: undefined })
  expect(() => loadTlsEarly(new URL('https://bitbucket.org'))).not.toThrow()
})
