import { execFileSync } from 'node:child_process'
import {
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  openUntrustedFile,
  type Refusal,
  readUntrustedFile,
  trustedUsers,
  UntrustedFileError,
} from '../src/untrusted-file.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const limit = 10

function refusal(work: () => unknown): Refusal {
  try {
    work()
  } catch (error) {
    if (error instanceof UntrustedFileError) return error.reason
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a regular file', () => {
  test('is read completely if it is within the limit', () => {
    const path = join(temporaryDirectory(), 'file')
    for (const content of ['', 'x', 'exactly 10']) {
      writeFileSync(path, content)
      expect(readUntrustedFile(path, { limit }).toString()).toBe(content)
    }
  })

  test('is read completely if it is longer than one chunk', () => {
    const path = join(temporaryDirectory(), 'file')
    const content = Buffer.alloc(200_000, 'abc')
    writeFileSync(path, content)
    expect(readUntrustedFile(path, { limit: 200_000 }).equals(content)).toBe(true)
  })

  test('is refused if it is larger than the limit', () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'one too many')
    expect(refusal(() => readUntrustedFile(path, { limit }))).toBe('too large')
    expect(refusal(() => openUntrustedFile(path, { limit }))).toBe('too large')
  })

  // The kernel reports 0 bytes for its own files, and a file can also grow while it is read.
  test.runIf(process.platform === 'linux')('is refused if it is larger than its reported size', () => {
    expect(readFileSync('/proc/self/status').length).toBeGreaterThan(limit)
    expect(refusal(() => readUntrustedFile('/proc/self/status', { limit }))).toBe('too large')
  })

  test('can be opened and read in pieces', () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'content')
    const file = openUntrustedFile(Buffer.from(path), { limit })
    onTestFinished(() => closeSync(file))
    const buffer = Buffer.alloc(4)
    expect([readSync(file, buffer), buffer.toString()]).toEqual([4, 'cont'])
  })

  test("that is missing causes node's own error", () => {
    expect(() => readUntrustedFile(join(temporaryDirectory(), 'gone'), { limit })).toThrow('ENOENT')
  })
})

describe('is refused', () => {
  test.each(['a file', 'nothing', 'itself'])('a link to %s', (target) => {
    const directory = temporaryDirectory()
    const path = join(directory, 'link')
    if (target === 'a file') writeFileSync(join(directory, 'a file'), '')
    symlinkSync(target === 'itself' ? 'link' : target, path)
    expect(refusal(() => readUntrustedFile(path, { limit }))).toBe('a link')
  })

  test('a directory', () => {
    expect(refusal(() => readUntrustedFile(temporaryDirectory(), { limit }))).toBe('not a regular file')
  })

  test.runIf(process.platform !== 'win32')(
    'a FIFO, without waiting for a writer',
    { tags: ['process'] },
    () => {
      const path = join(temporaryDirectory(), 'fifo')
      execFileSync('mkfifo', [path])
      // Held open and filled, so that this test fails instead of hanging if the FIFO is read.
      const writer = openSync(path, 'r+')
      onTestFinished(() => closeSync(writer))
      writeSync(writer, 'more than the limit')
      expect(refusal(() => readUntrustedFile(path, { limit }))).toBe('not a regular file')
    },
  )

  test.runIf(process.platform !== 'win32')('a socket', async () => {
    const path = join(temporaryDirectory(), 'socket')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    onTestFinished(() => void server.close())
    expect(refusal(() => readUntrustedFile(path, { limit }))).toBe('not a regular file')
  })

  test.runIf(process.platform !== 'win32')('a device, because reading it may never end', () => {
    expect(refusal(() => readUntrustedFile('/dev/zero', { limit }))).toBe('not a regular file')
  })
})

describe('with owners', { tags: ['root'] }, () => {
  test("another user's file is refused, also through a hard link", () => {
    const directory = temporaryDirectory()
    const path = join(directory, 'file')
    writeFileSync(path, 'content')
    chownSync(path, 1000, 1000)
    mkdirSync(join(directory, 'ours'))
    linkSync(path, join(directory, 'ours/file'))
    const owners = trustedUsers()
    expect(refusal(() => readUntrustedFile(path, { limit, owners }))).toBe("another user's")
    expect(refusal(() => readUntrustedFile(join(directory, 'ours/file'), { limit, owners }))).toBe(
      "another user's",
    )
    expect(readUntrustedFile(path, { limit, owners: [...owners, 1000] }).toString()).toBe('content')
    expect(readUntrustedFile(path, { limit }).toString()).toBe('content')
  })

  test('a file of this user is accepted', () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, 'content')
    expect(readUntrustedFile(path, { limit, owners: trustedUsers() }).toString()).toBe('content')
  })
})

test('the trusted users are this one and root', () => {
  expect(trustedUsers()).toEqual([process.geteuid?.() ?? 0, 0])
})
