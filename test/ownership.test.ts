import { chmodSync, lchownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { TokenError } from '../src/errors.ts'
import { actAs, canActAs, isOwn, ownerAbove } from '../src/ownership.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const [ada, bob] = [1000, 1001]

/** A directory that all users share, like /tmp. */
let shared: string
beforeEach(() => {
  shared = temporaryDirectory()
  chmodSync(shared, 0o1777)
})

function directory(path: string, uid: number, mode = 0o755): string {
  mkdirSync(path, { recursive: true })
  chmodSync(path, mode)
  lchownSync(path, uid, uid)
  return path
}

function link(path: string, target: string, uid: number): string {
  symlinkSync(target, path)
  lchownSync(path, uid, uid)
  return path
}

function refusal(work: () => unknown): TokenError {
  try {
    work()
  } catch (error) {
    if (error instanceof TokenError && error.exitStatus === 2) return error
    throw error
  }
  throw new Error('nothing was refused')
}

test('the owner above a path is the owner of the nearest existing directory', () => {
  expect(ownerAbove(join(shared, 'a/b/c'), [])).toEqual({
    uid: statSync(shared).uid,
    gid: statSync(shared).gid,
  })
})

describe('a link in the path', { tags: ['root'] }, () => {
  test.each([
    ['another user', ada, false],
    ['root', 0, true],
  ])('that belongs to %s', (_, uid, isAccepted) => {
    directory(join(shared, 'real'), 0)
    const path = join(link(join(shared, 'link'), 'real', uid), 'out')
    if (isAccepted) expect(ownerAbove(path, [])).toMatchObject({ uid: 0 })
    else expect(refusal(() => ownerAbove(path, [shared])).message).toContain('link is a link that belongs to')
  })

  test.each([
    ['after another link', (target: string) => link(join(shared, 'first'), target, 0)],
    [
      'after a link with ..',
      (target: string) => link(join(shared, 'first'), `../${target.split('/').slice(-2).join('/')}`, 0),
    ],
  ])('is checked %s', (_, first) => {
    directory(join(shared, 'real'), 0)
    const second = link(join(shared, 'second'), join(shared, 'real'), ada)
    expect(refusal(() => ownerAbove(join(first(second), 'out'), [])).message).toContain('second is a link')
  })

  test('is resolved as the system does: .. is the parent of its target', () => {
    directory(join(shared, 'deep/real'), 0)
    directory(join(shared, 'deep/theirs'), ada, 0o777)
    directory(join(shared, 'theirs'), 0)
    link(join(shared, 'link'), 'deep/real', 0)
    link(join(shared, 'up'), 'link/../theirs', 0)
    expect(refusal(() => ownerAbove(join(shared, 'up/out'), [])).message).toContain('deep/theirs belongs to')
  })

  test('that leads to itself is an error', () => {
    link(join(shared, 'link'), 'link', 0)
    expect(refusal(() => ownerAbove(join(shared, 'link/out'), [])).message).toContain('more than 40 links')
  })

  test('is not checked if it is the last part', () => {
    link(join(shared, 'out'), '/', ada)
    expect(ownerAbove(join(shared, 'out'), [])).toMatchObject({ uid: 0 })
  })
})

describe("another user's directory in the path", { tags: ['root'] }, () => {
  test('is refused if that user could have made it, in a directory that is open to all', () => {
    const theirs = directory(join(shared, 'theirs'), ada)
    expect(refusal(() => ownerAbove(join(theirs, 'out'), [])).message).toContain(
      'theirs belongs to another user (uid 1000)',
    )
  })

  test('is accepted if root put it there', () => {
    const home = directory(join(directory(join(shared, 'home'), 0), 'ada'), ada)
    expect(ownerAbove(join(home, 'out'), [])).toEqual({ uid: ada, gid: ada })
    expect(ownerAbove(join(directory(join(home, 'deep'), ada), 'out'), [])).toEqual({ uid: ada, gid: ada })
  })

  test('is refused if root put it there but it is open to all', () => {
    const open = directory(join(directory(join(shared, 'home'), 0), 'open'), ada, 0o777)
    expect(refusal(() => ownerAbove(join(open, 'out'), [])).message).toContain('open belongs to')
  })

  test('is accepted if it is the working directory, or lies above it', () => {
    const clone = directory(join(directory(join(shared, 'builds'), bob), 'clone'), ada, 0o777)
    expect(ownerAbove(join(clone, 'out'), [clone])).toEqual({ uid: ada, gid: ada })
    expect(ownerAbove(join(directory(join(clone, 'deep'), ada, 0o777), 'out'), [clone])).toEqual({
      uid: ada,
      gid: ada,
    })
    // But not next to it.
    expect(refusal(() => ownerAbove(join(shared, 'builds/out'), [clone])).message).toContain(
      'builds belongs to',
    )
  })

  test('is refused inside the working directory if a third user could have made it there', () => {
    const clone = directory(join(shared, 'clone'), ada, 0o777)
    const third = directory(join(clone, 'third'), bob)
    expect(refusal(() => ownerAbove(join(third, 'out'), [clone])).message).toContain(
      'third belongs to another user (uid 1001)',
    )
  })
})

describe('acting as another user', { tags: ['root'] }, () => {
  test('makes files of that user, and has no access that the user does not have', () => {
    const theirs = directory(join(shared, 'theirs'), ada, 0o700)
    const secret = join(shared, 'secret')
    writeFileSync(secret, 'root’s', { mode: 0o600 })
    const file = join(theirs, 'file')
    actAs({ uid: ada, gid: bob }, () => {
      writeFileSync(file, '')
      expect(isOwn(statSync(file))).toBe(true)
      expect(() => readFileSync(secret)).toThrow('EACCES')
      expect(process.getgroups?.()).toEqual([bob])
    })
    expect(statSync(file)).toMatchObject({ uid: ada, gid: bob })
  })

  test('ends with the work, also if that fails', () => {
    const before = [process.geteuid?.(), process.getegid?.(), process.getgroups?.()]
    expect(() =>
      actAs({ uid: ada, gid: ada }, () => {
        throw new Error('failed')
      }),
    ).toThrow('failed')
    expect([process.geteuid?.(), process.getegid?.(), process.getgroups?.()]).toEqual(before)
  })

  test('is not possible for a process that is not root', () => {
    expect(canActAs({ uid: ada, gid: ada })).toBe(true)
    process.seteuid?.(bob)
    onTestFinished(() => process.seteuid?.(0))
    expect(canActAs({ uid: ada, gid: ada })).toBe(false)
  })
})

describe('a path that cannot be followed', () => {
  test('through a file ends at the directory before it', () => {
    writeFileSync(join(shared, 'file'), '')
    expect(ownerAbove(join(shared, 'file/deep/out'), [])).toMatchObject({ uid: process.geteuid?.() ?? 0 })
  })

  test('into a directory that this user must not enter is an error with a next step', {
    tags: ['root'],
  }, () => {
    directory(join(shared, 'closed'), 0, 0o700)
    process.seteuid?.(bob)
    onTestFinished(() => process.seteuid?.(0))
    for (const path of ['closed/deep/out', 'closed/out']) {
      expect(() => ownerAbove(join(shared, path), [])).toThrow(`${path} cannot be reached: EACCES`)
    }
  })
})
