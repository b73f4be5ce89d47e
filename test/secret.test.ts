import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { basicCredentials, encodedForms, percentEncode, Secret } from '../src/secret.ts'

const value = 'ATCTT3xFfGN0-hunter-hunter'
const secret = new Secret(value)

describe('a secret never prints', () => {
  test.each<[string, () => string]>([
    ['as a string', () => String(secret)],
    ['in a template', () => `${secret}`],
    ['joined in a string', () => `token: ${[secret, secret].join(' ')}`],
    ['added to a string', () => 'token: '.concat(secret as unknown as string)],
    ['as JSON', () => JSON.stringify({ token: secret, list: [secret] })],
    ['inspected', () => inspect(secret)],
    [
      'inspected inside other objects',
      () => inspect({ a: [{ b: new Map([['token', secret]]) }] }, { depth: 9 }),
    ],
    ['inspected with hidden properties', () => inspect(secret, { showHidden: true, customInspect: false })],
    ['formatted', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['in an error message', () => new Error(`cannot use ${secret}`).message],
    ['as the cause of an error', () => inspect(new Error('no', { cause: secret }))],
    ['in its own properties', () => JSON.stringify([{ ...secret }, Object.getOwnPropertyNames(secret)])],
    ['cloned', () => inspect(structuredClone({ secret }))],
  ])('%s', (_, print) => {
    const printed = print()
    expect(printed).not.toBe('')
    expect(printed).not.toContain(value)
    expect(printed).not.toContain('hunter')
  })

  test('by console.log', () => {
    let printed = ''
    const stdout = new Writable({
      write(chunk, _, done) {
        printed += chunk
        done()
      },
    })
    new Console({ stdout }).log('token', secret, { secret }, [secret])
    expect(printed).toBe('token *** { secret: *** } [ *** ]\n')
  })

  test('when it is compared with a format or a beginning', () => {
    expect([secret.matches(/^ATCTT/), secret.matches(/^ATATT/)]).toEqual([true, false])
    expect([secret.startsWith('ATCTT'), secret.startsWith('hunter')]).toEqual([true, false])
  })

  test('but prints as stars, also in JSON', () => {
    expect(JSON.stringify({ token: secret })).toBe('{"token":"***"}')
  })

  test('as a key', () => {
    expect(Object.keys({ [secret as unknown as string]: 1 })).toEqual(['***'])
  })
})

describe('a secret', () => {
  test('is revealed only by reveal()', () => {
    expect(secret.reveal()).toBe(value)
  })

  test('makes other secrets', () => {
    const header = secret.derive((token) => `Bearer ${token}`)
    expect(header).toBeInstanceOf(Secret)
    expect(`${header}`).toBe('***')
    expect(header.reveal()).toBe(`Bearer ${value}`)
  })

  test('makes other secrets asynchronously', async () => {
    const signed = await secret.deriveLater(async (key) => `signed with ${key}`)
    expect(signed).toBeInstanceOf(Secret)
    expect(signed.reveal()).toBe(`signed with ${value}`)
  })

  test('equals a secret with the same value', () => {
    expect(secret.equals(new Secret(value))).toBe(true)
    expect(secret.equals(new Secret(`${value}x`))).toBe(false)
  })
})

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))

describe('percentEncode', () => {
  const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

  test("keeps only RFC 3986's unreserved characters of ASCII", () => {
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
    expect(ascii.filter((character) => percentEncode(character) === character).toSorted()).toEqual(
      [...unreserved].toSorted(),
    )
  })

  test('writes every other byte of UTF-8 as % and two upper-case digits', () => {
    expect(percentEncode("!'()* /+=@:%é€😀\n")).toBe(
      '%21%27%28%29%2A%20%2F%2B%3D%40%3A%25%C3%A9%E2%82%AC%F0%9F%98%80%0A',
    )
  })

  test('is reversed by decodeURIComponent for any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const encoded = percentEncode(text)
        expect(encoded).toMatch(/^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/)
        expect(decodeURIComponent(encoded)).toBe(text.toWellFormed())
      }),
      { numRuns: 500 },
    )
  })

  test('does not crash on half a surrogate pair', () => {
    expect(percentEncode('a\ud83d')).toBe('a%EF%BF%BD')
  })
})

describe('basicCredentials', () => {
  test('is base64 of user:secret', () => {
    const credentials = basicCredentials('Aladdin', new Secret('open sesame'))
    expect(credentials.reveal()).toBe('QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
  })

  test('uses UTF-8 (RFC 7617)', () => {
    expect(basicCredentials('test', new Secret('123£')).reveal()).toBe('dGVzdDoxMjPCow==')
  })

  test('splits at the first colon into user and secret', () => {
    fc.assert(
      fc.property(
        fc.string().map((user) => user.replaceAll(':', '')),
        anyText,
        (user, password) => {
          const decoded = Buffer.from(
            basicCredentials(user, new Secret(password)).reveal(),
            'base64',
          ).toString()
          expect(decoded.slice(0, decoded.indexOf(':'))).toBe(user.toWellFormed())
          expect(decoded.slice(decoded.indexOf(':') + 1)).toBe(password.toWellFormed())
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('the forms in which a secret travels', () => {
  const formsOf = (text: string, users: string[] = []) =>
    encodedForms(new Secret(text), users).map((form) => form.reveal())

  test('are itself, both percent-encodings, and HTTP Basic for each user', () => {
    expect(formsOf('a b/ü~', ['key', 'x-token-auth'])).toEqual([
      'a b/ü~',
      'a%20b%2F%C3%BC~',
      'a+b%2F%C3%BC%7E',
      Buffer.from('key:a b/ü~').toString('base64'),
      Buffer.from('x-token-auth:a b/ü~').toString('base64'),
    ])
  })

  test('contain no form twice', () => {
    expect(formsOf('plain')).toEqual(['plain'])
    expect(encodedForms(new Secret('plain'))).toEqual([new Secret('plain')])
  })

  test('contain the encoding of a form body', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: text }).toString()
        expect(formsOf(text)).toContain(body.slice('grant_type=refresh_token&refresh_token='.length))
      }),
      { numRuns: 200 },
    )
  })
})
