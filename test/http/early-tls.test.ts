import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { loadTlsEarly } from '../../src/http/early-tls.ts'

const asked = vi.spyOn(process, 'getBuiltinModule')
afterEach(() => asked.mockClear())

test.each([
  [['https://bitbucket.org', 'https://api.bitbucket.org'], 1],
  [['http://127.0.0.1:7990', 'https://api.bitbucket.org'], 1],
  [['http://127.0.0.1:7990', 'http://127.0.0.1:7991'], 0],
])('for %j TLS is loaded %d times', (addresses, times) => {
  loadTlsEarly(...addresses.map((address) => new URL(address)))
  expect(asked.mock.calls).toEqual(Array.from({ length: times }, () => ['node:tls']))
})

test('a node that cannot be asked loads it later', () => {
  const { getBuiltinModule } = process
  onTestFinished(() => void Object.assign(process, { getBuiltinModule }))
  Object.assign(process, { getBuiltinModule: undefined })
  expect(() => loadTlsEarly(new URL('https://bitbucket.org'))).not.toThrow()
})
