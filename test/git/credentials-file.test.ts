/** @module-tag git */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { credentialsFile, credentialsFileName, type GitCredential } from '../../src/git/credentials-file.ts'
import { Secret } from '../../src/secret.ts'
import { gitEnvironment } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const credential = (token: string, gitUsername = 'x-token-auth'): GitCredential => ({
  gitUsername,
  secret: new Secret(token),
})

/** Returns what the real git finds for an address in a file with this content. */
function fill(file: string, url: URL, username?: string): Record<string, string> {
  const asked = [`protocol=${url.protocol.slice(0, -1)}`, `host=${url.host}`]
  if (username !== undefined) asked.push(`username=${username}`)
  const helper = `store --file '${file.replaceAll("'", "'\\''")}'`
  const answer = execFileSync('git', ['-c', `credential.helper=${helper}`, 'credential', 'fill'], {
    env: gitEnvironment(),
    input: `${asked.join('\n')}\n\n`,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const lines = answer.split('\n').filter(Boolean)
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

const bitbucket = new URL('https://bitbucket.org')

describe('the file is the same as from git itself', () => {
  test('for an ordinary token', () => {
    expect(credentialsFile(bitbucket, credential('a/b+c=:@%')).reveal()).toBe(
      'https://x-token-auth:a%2Fb%2Bc%3D%3A%40%25@bitbucket.org\n',
    )
  })

  test.each(['https://bitbucket.org', 'https://bitbucket.org:8443', 'http://[::1]:7990'])(
    'for %s',
    (address) => {
      const url = new URL(address)
      const file = join(temporaryDirectory(), credentialsFileName)
      const password = "ü €%:/@=+?#!'()*~-._"
      const input = `protocol=${url.protocol.slice(0, -1)}\nhost=${url.host}\nusername=x-token-auth\npassword=${password}\n\n`
      execFileSync('git', ['credential-store', '--file', file, 'store'], { env: gitEnvironment(), input })
      // git writes hexadecimal digits in lower case, and reads both cases.
      const written = readFileSync(file, 'utf8').replaceAll(/%../g, (code) => code.toUpperCase())
      expect(credentialsFile(url, credential(password)).reveal()).toBe(written)
    },
  )
})

describe('git finds', () => {
  test('exactly the token, whatever characters it contains', () => {
    const file = join(temporaryDirectory(), credentialsFileName)
    const token = fc
      .array(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(...'%:/@=+?#&!\'()*~ \\"$;`', '%2F', '\t')),
      )
      .map((pieces) => pieces.join('').replaceAll(/[\n\r\0]/g, ''))
      .filter((text) => text !== '')
    fc.assert(
      fc.property(token, (text) => {
        writeFileSync(file, credentialsFile(bitbucket, credential(text)).reveal())
        expect(fill(file, bitbucket)).toMatchObject({ username: 'x-token-auth', password: text })
      }),
      { numRuns: 60 },
    )
  })

  test('a token of several thousand characters', () => {
    const file = join(temporaryDirectory(), credentialsFileName)
    const token = 'eyJ.=+/'.repeat(1_000)
    writeFileSync(file, credentialsFile(bitbucket, credential(token)).reveal())
    expect(fill(file, bitbucket)['password']).toBe(token)
  })

  test.each([
    'https://bitbucket.org',
    'https://bitbucket.org:8443',
    'http://127.0.0.1:7990',
    'http://localhost:7990',
    'http://[::1]:7990',
    'https://gate.example.com/bitbucket',
  ])('the credential for %s, but not for another host', (address) => {
    const url = new URL(address)
    const file = join(temporaryDirectory(), credentialsFileName)
    writeFileSync(file, credentialsFile(url, credential('token')).reveal())
    expect(fill(file, url)).toMatchObject({ host: url.host, password: 'token' })
    expect(() => fill(file, new URL('https://bitbucket.example.com'))).toThrow('terminal prompts disabled')
  })

  test("an API token with git's user name, not with the email address for REST", () => {
    const file = join(temporaryDirectory(), credentialsFileName)
    writeFileSync(file, credentialsFile(bitbucket, credential('t', 'x-bitbucket-api-token-auth')).reveal())
    expect(fill(file, bitbucket, 'x-bitbucket-api-token-auth')['password']).toBe('t')
    expect(() => fill(file, bitbucket, 'ann@example.com')).toThrow('terminal prompts disabled')
  })
})

test('ends its lines with LF, because git finds nothing with CRLF', () => {
  const file = join(temporaryDirectory(), credentialsFileName)
  const content = credentialsFile(bitbucket, credential('token')).reveal()
  writeFileSync(file, content.replace('\n', '\r\n'))
  expect(() => fill(file, bitbucket)).toThrow('terminal prompts disabled')
  expect(content).not.toContain('\r')
})

test('has a name that actions/checkout does not delete', () => {
  expect(credentialsFileName).not.toMatch(/^git-credentials-[0-9a-f-]+\.config$/)
})
