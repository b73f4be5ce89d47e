import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { OutputRedactor } from '../../src/redaction/output-redactor.ts'
import { basicCredentials, Secret } from '../../src/secret.ts'
import { formsOf } from '../e2e/support/secrets.ts'
import { neverSilent, redact } from './redact.ts'

const value = 'Z9+/kQ=w~7!x(4)*2 p&q%é'

const redactorOf = (...secrets: string[]) => {
  const redactor = new OutputRedactor()
  for (const secret of secrets) redactor.add(new Secret(secret))
  return redactor
}

const shown = async (output: string | Buffer, ...secrets: string[]) =>
  `${await redact(redactorOf(...secrets), [Buffer.from(output)])}`

test.each(formsOf(value))('replaces a secret in the form %s', async (form) => {
  expect(await shown(`before\n${form}\nafter`, value)).toBe('before\n***\nafter')
})

test.each(['user', 'x-token-auth', 'x-bitbucket-api-token-auth'])('hides HTTP Basic of %s', async (user) => {
  const token = 'ATCTT3xFfGN0-0123456789_abcdef'
  const basic = basicCredentials(user, new Secret(token))
  const output = await shown(`Authorization: Basic ${basic.reveal()}\n`, token)
  expect(Buffer.from(output.replace(/.* /, ''), 'base64').toString('latin1')).not.toContain(token.slice(0, 4))
  expect(await shown(`Basic ${basic.reveal()}.`, token, basic.reveal())).toBe('Basic ***.')
})

test.each([
  ['the longest of two', 'abcdefghij abcdefgh', ['abcdefgh', 'abcdefghij'], '*** ***'],
  ['a secret inside another', 'xxabcdefghxx', ['abcdefgh', 'xxabcdefghxx'], '***'],
  ['adjacent secrets', 'abcdefghABCDEFGH', ['abcdefgh', 'ABCDEFGH'], '******'],
  ['one that repeats itself', '-aaaaaaaaaaaaaaaa-', ['aaaaaaaa'], '-******-'],
  ['overlapping secrets', '-abcdefghijklmnop-', ['abcdefghij', 'fghijklmnop'], '-******-'],
  ['a beginning of eight characters', 'abcdefghi?', ['abcdefghijkl'], '***?'],
  ['a middle of eight characters', '1cdefghij2', ['abcdefghijkl'], '1***2'],
  ['both parts around a line break', 'abcdefgh\nijklmnop', ['abcdefghijklmnop'], '***\n***'],
  ['characters of regular expressions', 'a.c$^(.*)[x]? abc$^(.*)[x]?', ['a.c$^(.*)[x]?'], '*** ab***'],
  ['UTF-8', 'gü€😀schützt!', ['ü€😀schützt'], 'g***!'],
  ['a short secret as a whole', 'abcd-abc-dcba', ['abcd'], '***-abc-dcba'],
  ['a secret of one character only in its plain form', 'x %78', ['x'], '*** %78'],
])('replaces %s', async (_, output, secrets, expected) => {
  expect(await shown(output, ...secrets)).toBe(expected)
})

test.each([
  ['seven characters', 'abcdefg?'],
  ['the user name of HTTP Basic', 'x-token-auth:'],
])('shows %s', async (_, output) => {
  expect(await shown(output, 'abcdefghijkl')).toBe(output)
})

test('shows bytes that are not text unchanged', async () => {
  const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, index) => (index * 7) % 256))
  expect(await redact(redactorOf(value), [bytes])).toEqual(bytes)
})

test('replaces a beginning of eight characters at the end of the output', async () => {
  expect(await shown('abcdefghij', 'abcdefghijkl')).toBe('***')
  expect(await shown('abcdefg', 'abcdefghijkl')).toBe('abcdefg')
})

describe('while the output continues', () => {
  /** Opens a stream whose pauses end when `pause` is called. */
  function open(...secrets: string[]) {
    const redactor = redactorOf(...secrets)
    const waits: (() => void)[] = []
    const sleep = (_: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => waits.push(() => signal.aborted || resolve()))
    const stream = redactor.stream({ sleep })
    const read = () => `${stream.read() ?? ''}`
    const write = (text: string) => {
      stream.write(text)
      return read()
    }
    const pause = async () => {
      for (const wait of waits.splice(0)) wait()
      await new Promise(setImmediate)
      return read()
    }
    return { redactor, stream, write, pause }
  }

  test('shows a prompt at once', () => {
    expect(open('abcdefghijkl').write('Password: ')).toBe('Password: ')
  })

  test('shows a prompt that ends like a secret begins after a short silence', async () => {
    const { write, pause } = open('abcdefghijkl')
    expect([write('Continue? abc'), await pause()]).toEqual(['Continue? ', 'abc'])
  })

  test('hides the rest of a secret whose beginning is shown', async () => {
    const { write, pause } = open('abcdefghijkl')
    expect([write('abcd'), await pause(), write('efghijkl.')]).toEqual(['', 'abcd', '***.'])
  })

  test('never shows eight characters, however often the output pauses', async () => {
    const { write, pause } = open('abcdefghijkl')
    const parts: string[] = []
    for (const character of 'abcdefghijkl\n') parts.push(write(character), await pause())
    expect(parts.join('')).toBe('abcdefg***\n')
  })

  test('holds eight characters back until the rest is known', async () => {
    const { write, pause } = open('abcdefghijkl')
    expect([write('abcdefgh'), await pause(), write('ijkl')]).toEqual(['', '', '***'])
  })

  test('hides a secret that is added later, on every stream', () => {
    const { redactor, write } = open('abcdefghijkl')
    expect(write('new-token-1\n')).toBe('new-token-1\n')
    redactor.add(new Secret('new-token-1'))
    expect(write('new-token-1\n')).toBe('***\n')
  })

  test('reports an error of the destination', async () => {
    const { stream } = open(value)
    const destination = new PassThrough()
    const done = pipeline(stream, destination)
    destination.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await expect(done).rejects.toThrow('EPIPE')
    expect(stream.destroyed).toBe(true)
  })
})

test('waits if nobody reads', async () => {
  const stream = redactorOf(value).stream(neverSilent)
  let accepted = 0
  while (accepted < 1_000 && stream.write(Buffer.alloc(65_536))) accepted++
  expect(accepted).toBeLessThan(10)
  stream.destroy()
})
