import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest'
import type { TokenError } from '../src/errors.ts'
import { Secret } from '../src/secret.ts'
import {
  appendSecret,
  clearPrivateDirectory,
  isHidden,
  makePrivateDirectory,
  pathExists,
  probeSecretFile,
  readKeptFile,
  removePrivateDirectory,
  removeSecretFiles,
  removeTemporaryFiles,
  replaceSecretFile,
  takeOwnDirectory,
  takePrivateDirectory,
  whyNotOurs,
  writeSecretFile,
} from '../src/secret-file.ts'
import { uniqueName } from '../src/world.ts'
import { failure } from './support/failure.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const test = plainTest.extend('base', () => temporaryDirectory())

const content = new Secret('hunter-hunter')
const modeOf = (path: string) => lstatSync(path).mode & 0o7777

/** Sets the umask for the rest of the test. */
function umask(mask: number): void {
  const before = process.umask(mask)
  onTestFinished(() => void process.umask(before))
}

/** Runs as a user without rights to other users' directories, because root can write everywhere. */
function becomeNobody(): void {
  if (process.geteuid?.() !== 0) return
  process.seteuid?.(65534)
  onTestFinished(() => process.seteuid?.(0))
}

/** Mounts a disk with these options of mount(8) for the rest of the test. */
function temporaryDisk(options: string): string {
  const disk = temporaryDirectory()
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', disk]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', [disk]))
  return disk
}

/** Returns the error of the work, which must be about a file. */
function refusal(work: () => unknown): TokenError {
  const error = failure(work)
  expect(error).toMatchObject({ code: 'file', exitStatus: 1, nextStep: expect.stringMatching(/\.$/) })
  return error
}

describe.each([0o000, 0o022, 0o077, 0o777])('under umask %o', (mask) => {
  test('a private directory is 0700 and a secret file 0600', () => {
    const path = join(temporaryDirectory(), 'private')
    umask(mask)
    makePrivateDirectory(path)
    const file = writeSecretFile(path, 'token', content)
    expect([modeOf(path), modeOf(file)]).toEqual([0o700, 0o600])
    expect(readFileSync(file, 'utf8')).toBe('hunter-hunter')
  })

  test('a directory that is taken over becomes 0700', () => {
    const path = join(temporaryDirectory(), 'private')
    mkdirSync(path)
    chmodSync(path, 0o755)
    umask(mask)
    takePrivateDirectory(path, ['token'])
    expect(modeOf(path)).toBe(0o700)
  })
})

describe('a private directory', () => {
  test('must not exist yet', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    expect(refusal(() => makePrivateDirectory(path)).message).toContain('EEXIST')
  })

  test.each(['to a directory', 'to nothing'])('is not made through a link %s', (target) => {
    const base = temporaryDirectory()
    const elsewhere = join(base, 'elsewhere')
    if (target === 'to a directory') mkdirSync(elsewhere, { mode: 0o755 })
    symlinkSync(elsewhere, join(base, 'private'))
    refusal(() => makePrivateDirectory(join(base, 'private')))
    expect(readdirSync(base)).not.toContain(target === 'to nothing' ? 'elsewhere' : '')
    if (target === 'to a directory') expect(modeOf(elsewhere)).toBe(0o755)
  })

  test('that is not writable is an error with a next step', ({ base }) => {
    chmodSync(base, 0o555)
    becomeNobody()
    const { message, nextStep } = refusal(() => makePrivateDirectory(join(base, 'private')))
    expect(message).toMatch(/^The private directory .*private could not be made: EACCES/)
    expect(nextStep).toContain('docker run --user')
  })
})

describe('taking a private directory', () => {
  test('makes it and its parents if they are missing', () => {
    const path = join(temporaryDirectory(), 'a', 'b', 'private')
    takePrivateDirectory(path, ['token'])
    expect(modeOf(path)).toBe(0o700)
    expect(readdirSync(path)).toEqual(['.gitignore'])
  })

  test('accepts one that holds only our files', () => {
    const path = join(temporaryDirectory(), 'private')
    mkdirSync(path)
    writeFileSync(join(path, 'token'), 'old')
    takePrivateDirectory(path, ['token', 'env.sh'])
    expect(readFileSync(join(path, 'token'), 'utf8')).toBe('old')
  })

  test('refuses a directory with other files, and keeps its mode', () => {
    const path = join(temporaryDirectory(), 'home')
    mkdirSync(path)
    chmodSync(path, 0o755)
    writeFileSync(join(path, 'token'), '')
    writeFileSync(join(path, 'thesis.txt'), '')
    const { message, nextStep } = refusal(() => takePrivateDirectory(path, ['token']))
    expect(message).toContain('thesis.txt')
    expect(nextStep).toBe('Set output-dir to a directory that is only for the secret files.')
    expect(modeOf(path)).toBe(0o755)
  })

  test('refuses a directory of another user, also an empty one', { tags: ['root'] }, ({ base }) => {
    const path = join(base, 'theirs')
    mkdirSync(path)
    for (const directory of [base, path]) chmodSync(directory, 0o777)
    becomeNobody()
    const { message, nextStep } = refusal(() => takePrivateDirectory(path, ['token']))
    expect(message).toContain('it belongs to another user (uid 0)')
    expect(nextStep).toContain('output-dir')
    expect(modeOf(path)).toBe(0o777)
  })

  test('accepts a temporary file of a killed run', () => {
    const path = join(temporaryDirectory(), 'private')
    takePrivateDirectory(path, ['token'])
    writeFileSync(join(path, '.new-6f2c0f6e-0000-4000-8000-000000000000'), 'half')
    takePrivateDirectory(path, ['token'])
    expect(readFileSync(writeSecretFile(path, 'token', content), 'utf8')).toBe('hunter-hunter')
  })

  test('does not follow a link, and does not change its target', ({ base }) => {
    mkdirSync(join(base, 'elsewhere'))
    chmodSync(join(base, 'elsewhere'), 0o755)
    symlinkSync('elsewhere', join(base, 'private'))
    expect(refusal(() => takePrivateDirectory(join(base, 'private'), ['token'])).message).toContain(
      'not a directory',
    )
    expect(modeOf(join(base, 'elsewhere'))).toBe(0o755)
  })

  test('refuses a file', () => {
    const path = join(temporaryDirectory(), 'private')
    writeFileSync(path, 'mine')
    refusal(() => takePrivateDirectory(path, ['token']))
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('below a file is an error with a next step', ({ base }) => {
    const path = join(base, 'file', 'private')
    writeFileSync(join(base, 'file'), '')
    expect(refusal(() => takePrivateDirectory(path, ['token'])).message).toMatch(
      `The private directory ${path} could not be made: E`,
    )
  })

  test('reports once that a directory is not writable', ({ base }) => {
    chmodSync(base, 0o555)
    becomeNobody()
    const { message } = refusal(() => takePrivateDirectory(join(base, 'private'), ['token']))
    expect(message).toContain('EACCES')
    expect(message.split('could not be made')).toHaveLength(2)
  })
})

describe('taking over a directory in a shared place', () => {
  test('makes it, or accepts one of this user with any content', () => {
    const path = join(temporaryDirectory(), 'cache')
    takeOwnDirectory(path)
    expect(modeOf(path)).toBe(0o700)
    chmodSync(path, 0o755)
    writeFileSync(join(path, 'anything'), '')
    takeOwnDirectory(path)
    expect(modeOf(path)).toBe(0o700)
  })

  test('refuses one that another user made before', () => {
    // A directory of root for other users. For root, a directory that it gave to another user.
    let path = '/'
    if (process.getuid?.() === 0) {
      path = join(temporaryDirectory(), 'cache')
      mkdirSync(path)
      chmodSync(path, 0o755)
      chownSync(path, 65534, 65534)
    }
    const mode = modeOf(path)
    expect(refusal(() => takeOwnDirectory(path)).message).toContain('belongs to another user')
    expect(modeOf(path)).toBe(mode)
  })

  test('accepts any directory on a system without user ids, because the place belongs to the user', () => {
    const path = join(temporaryDirectory(), 'cache')
    mkdirSync(path)
    const { getuid } = process
    delete process.getuid
    onTestFinished(() => void Object.assign(process, { getuid }))
    takeOwnDirectory(path)
    expect(modeOf(path)).toBe(0o700)
  })

  test('refuses a link', ({ base }) => {
    mkdirSync(join(base, 'elsewhere'))
    symlinkSync('elsewhere', join(base, 'cache'))
    refusal(() => takeOwnDirectory(join(base, 'cache')))
  })
})

describe('a secret file', () => {
  test('replaces a file that everybody can read by one that only this user can read', ({ base }) => {
    const path = join(base, 'token')
    writeFileSync(path, 'an old and longer content')
    chmodSync(path, 0o644)
    expect(writeSecretFile(base, 'token', content)).toBe(path)
    expect(modeOf(path)).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe('hunter-hunter')
  })

  test.each(['a file', 'nothing'])('replaces a link to %s and does not follow it', (target) => {
    const base = temporaryDirectory()
    const elsewhere = join(base, 'elsewhere')
    if (target === 'a file') writeFileSync(elsewhere, 'theirs')
    symlinkSync(elsewhere, join(base, 'token'))
    writeSecretFile(base, 'token', content)
    expect(lstatSync(join(base, 'token')).isFile()).toBe(true)
    expect(readFileSync(join(base, 'token'), 'utf8')).toBe('hunter-hunter')
    expect(target === 'a file' ? readFileSync(elsewhere, 'utf8') : readdirSync(base)).toEqual(
      target === 'a file' ? 'theirs' : ['token'],
    )
  })

  test('a process that has the old file open sees no half-written content', ({ base }) => {
    writeSecretFile(base, 'token', new Secret('old'))
    const inode = lstatSync(join(base, 'token')).ino
    writeSecretFile(base, 'token', content)
    expect(lstatSync(join(base, 'token')).ino).not.toBe(inode)
  })

  test('does not follow a link at its temporary name', ({ base }) => {
    writeFileSync(join(base, 'elsewhere'), 'theirs')
    vi.spyOn(Date, 'now').mockReturnValue(0)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    const [pid, count = '', ...rest] = uniqueName().split('-')
    const next = (Number.parseInt(count, 16) + 1).toString(16).padStart(4, '0')
    symlinkSync('elsewhere', join(base, `.new-${[pid, next, ...rest].join('-')}`))
    expect(refusal(() => writeSecretFile(base, 'token', content)).message).toContain('EEXIST')
    expect(readFileSync(join(base, 'elsewhere'), 'utf8')).toBe('theirs')
    expect(readdirSync(base)).not.toContain('token')
  })

  test('is UTF-8 and may be long', ({ base }) => {
    const long = 'ü'.repeat(100_000)
    expect(readFileSync(writeSecretFile(base, 'token', new Secret(long)), 'utf8')).toBe(long)
  })

  test('that cannot be renamed keeps the old file, and leaves no temporary file', ({ base }) => {
    mkdirSync(join(base, 'token'))
    const { message } = refusal(() => writeSecretFile(base, 'token', content))
    expect(message).toContain(`The file ${join(base, 'token')} could not be written`)
    expect(readdirSync(base)).toEqual(['token'])
    expect(lstatSync(join(base, 'token')).isDirectory()).toBe(true)
  })

  test('in a missing directory is an error with a next step', () => {
    refusal(() => writeSecretFile(join(temporaryDirectory(), 'gone'), 'token', content))
  })

  test('that is not writable is an error with a next step', ({ base }) => {
    chmodSync(base, 0o555)
    becomeNobody()
    const { message, nextStep } = refusal(() => writeSecretFile(base, 'token', content))
    expect(message).toContain('EACCES')
    expect(nextStep).toContain('docker run --user')
  })

  test('on a read-only disk is an error with a next step', { tags: ['mount'] }, () => {
    const disk = temporaryDisk('ro')
    const { message, nextStep } = refusal(() => writeSecretFile(disk, 'token', content))
    expect(message).toContain('EROFS')
    expect(nextStep).toContain('can write to')
  })
})

describe('a secret file that is kept after the job', () => {
  test('is replaced completely, only the owner can read it, and no other file is left', ({ base }) => {
    const path = join(base, 'token')
    for (const text of ['a first one that is longer', 'hunter-hunter'])
      replaceSecretFile(path, new Secret(text))
    expect(readFileSync(path, 'utf8')).toBe('hunter-hunter')
    expect(modeOf(path)).toBe(0o600)
    expect(readdirSync(base)).toEqual(['token'])
  })

  test('overwrites the temporary file of a killed run, and follows no link', ({ base }) => {
    writeFileSync(join(base, 'theirs'), 'theirs')
    symlinkSync('theirs', join(base, 'token.new'))
    replaceSecretFile(join(base, 'token'), content)
    expect(readFileSync(join(base, 'theirs'), 'utf8')).toBe('theirs')
    expect(readdirSync(base)).toEqual(['theirs', 'token'])
  })

  test('does not change if it cannot be replaced', ({ base }) => {
    const path = join(base, 'token')
    replaceSecretFile(path, new Secret('old'))
    mkdirSync(join(base, 'token.new'))
    expect(refusal(() => replaceSecretFile(path, content)).message).toContain(
      `The file ${path} could not be written`,
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  test('is closed', ({ base }) => {
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for (let time = 0; time < 5; time++) replaceSecretFile(join(base, 'token'), content)
    expect(open()).toBe(before)
  })
})

describe('probing such a file', () => {
  test('leaves nothing, also if a killed run left a file', ({ base }) => {
    probeSecretFile(join(base, 'token'))
    expect(readdirSync(base)).toEqual([])
    writeFileSync(join(base, 'token.new'), 'half')
    probeSecretFile(join(base, 'token'))
    expect(readdirSync(base)).toEqual([])
  })

  test('reports before there is a token that it cannot be written', () => {
    const path = join(temporaryDirectory(), 'gone', 'token')
    expect(refusal(() => probeSecretFile(path)).message).toContain(
      `The file ${path}.new could not be written`,
    )
  })
})

describe('reading such a file', () => {
  test('returns its text, or nothing if it or its directory is missing', ({ base }) => {
    replaceSecretFile(join(base, 'token'), content)
    expect(readKeptFile(join(base, 'token'), [])).toBe('hunter-hunter')
    expect(readKeptFile(join(base, 'missing'), [])).toBeUndefined()
    expect(readKeptFile(join(base, 'gone', 'token'), [])).toBeUndefined()
  })

  test('reports anything else at its path', ({ base }) => {
    mkdirSync(join(base, 'token'))
    expect(() => readKeptFile(join(base, 'token'), [])).toThrow('it is not a regular file')
  })

  test.each([
    [0o755, 1_000, 'their token'],
    [0o755, 0, 'their token'],
    [0o1777, 1_000, 'it belongs to another user'],
    [0o1777, 0, 'their token'],
  ])('in a directory %o, a file of user %i means: %s', { tags: ['root'] }, (mode, uid, result) => {
    const base = temporaryDirectory()
    chmodSync(base, mode)
    writeFileSync(join(base, 'token'), 'their token')
    chownSync(join(base, 'token'), uid, uid)
    const read = () => readKeptFile(join(base, 'token'), [])
    if (result === 'their token') expect(read()).toBe(result)
    else expect(read).toThrow(result)
  })

  test("accepts the directory owner's file in a directory that is open to all", { tags: ['root'] }, () => {
    const base = temporaryDirectory()
    writeFileSync(join(base, 'token'), 'their token')
    chmodSync(base, 0o1777)
    for (const path of [base, join(base, 'token')]) chownSync(path, 1_000, 1_000)
    expect(readKeptFile(join(base, 'token'), [base])).toBe('their token')
  })
})

describe('appending to a file of the CI', () => {
  test('keeps its content and mode', () => {
    const file = join(temporaryDirectory(), 'env')
    writeFileSync(file, 'first\n')
    chmodSync(file, 0o644)
    appendSecret(file, content)
    expect(readFileSync(file, 'utf8')).toBe('first\nhunter-hunter')
    expect(modeOf(file)).toBe(0o644)
  })

  test('makes a missing file so that only this user can read it', () => {
    const file = join(temporaryDirectory(), 'env')
    umask(0)
    appendSecret(file, content)
    expect(readFileSync(file, 'utf8')).toBe('hunter-hunter')
    expect(modeOf(file)).toBe(0o600)
  })

  test('removes the part that it wrote before the disk was full, and nothing else', {
    tags: ['mount'],
  }, () => {
    const disk = temporaryDisk('size=8k')
    const file = join(disk, 'env')
    writeFileSync(file, 'from another step\n')
    expect(refusal(() => appendSecret(file, new Secret('x'.repeat(10_000)))).message).toContain('ENOSPC')
    expect(readFileSync(file, 'utf8')).toBe('from another step\n')
  })

  test.skipIf(!existsSync('/dev/full'))('reports a full disk', () => {
    const { message, nextStep } = refusal(() => appendSecret('/dev/full', content))
    expect(message).toMatch("The CI's file /dev/full could not be written: ENOSPC")
    expect(nextStep).toBe('Make room on the disk, then run it again.')
  })

  test('does not advise another output-dir, because the CI names the file', () => {
    const directory = temporaryDirectory()
    for (const file of [directory, join(directory, 'missing/env')]) {
      const { message, nextStep } = refusal(() => appendSecret(file, content))
      expect(message).toMatch(/^The CI's file .* could not be written: E/)
      expect(nextStep).toBe(
        'Check the variable of the CI that names this file, and that this user can write to the file.',
      )
    }
  })
})

describe('removing a private directory', () => {
  test('removes everything in it', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    writeSecretFile(path, 'token', content)
    writeFileSync(join(path, '.new-x'), 'half')
    expect(removePrivateDirectory(path)).toBe(true)
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('that is missing is not an error', ({ base }) => {
    expect(removePrivateDirectory(join(base, 'private'))).toBe(false)
    expect(readdirSync(base)).toEqual([])
  })

  test('does not follow a link at its path', ({ base }) => {
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'theirs'), '')
    symlinkSync('elsewhere', join(base, 'private'))
    expect(refusal(() => removePrivateDirectory(join(base, 'private'))).message).toBe(
      `${join(base, 'private')} could not be removed: it is not the directory that was made.`,
    )
    expect(readdirSync(join(base, 'elsewhere'))).toEqual(['theirs'])
  })

  test('does not follow a link inside it', ({ base }) => {
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'theirs'), '')
    makePrivateDirectory(join(base, 'private'))
    symlinkSync('../elsewhere', join(base, 'private', 'link'))
    removePrivateDirectory(join(base, 'private'))
    expect(readdirSync(base)).toEqual(['elsewhere'])
    expect(readdirSync(join(base, 'elsewhere'))).toEqual(['theirs'])
  })
})

describe('clearing a private directory', () => {
  const names = ['token', 'env.sh']

  test('removes our files, also half-written ones, and returns their paths', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of ['token', '.new-x']) writeFileSync(join(path, name), '')
    expect(clearPrivateDirectory(path, names, [])).toEqual({
      removed: [join(path, '.new-x'), join(path, 'token')],
      kept: [],
    })
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('keeps the files to keep, and returns their paths', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of names) writeFileSync(join(path, name), '')
    expect(clearPrivateDirectory(path, names, ['env.sh', 'never-there'])).toEqual({
      removed: [join(path, 'token')],
      kept: [join(path, 'env.sh')],
    })
    expect(readdirSync(path)).toEqual(['env.sh'])
  })

  test('that is missing is not an error', () => {
    const path = join(temporaryDirectory(), 'private')
    expect(clearPrivateDirectory(path, names, [])).toEqual({ removed: [], kept: [] })
    writeFileSync(path, 'a file')
    expect(clearPrivateDirectory(join(path, 'below'), names, [])).toEqual({ removed: [], kept: [] })
  })

  test('empties one that cannot be removed itself', ({ base }) => {
    const path = join(base, 'private')
    takePrivateDirectory(path, names)
    writeSecretFile(path, 'token', content)
    chmodSync(base, 0o555)
    // Without this, only root could remove it.
    onTestFinished(() => chmodSync(base, 0o755))
    if (process.geteuid?.() === 0)
      for (const name of ['', ...readdirSync(path)]) chownSync(join(path, name), 65534, 65534)
    becomeNobody()
    expect(clearPrivateDirectory(path, names, [])).toEqual({ removed: [join(path, 'token')], kept: [] })
    expect(readdirSync(path)).toEqual([])
  })

  test('empties a mounted one', { tags: ['mount'] }, () => {
    const disk = temporaryDisk('mode=700')
    takePrivateDirectory(disk, names)
    expect(clearPrivateDirectory(disk, names, [])).toEqual({ removed: [], kept: [] })
    expect(readdirSync(disk)).toEqual([])
  })

  test('changes nothing in a directory with other files', () => {
    const path = temporaryDirectory()
    for (const name of ['thesis.txt', 'token']) writeFileSync(join(path, name), '')
    const { message, nextStep } = refusal(() => clearPrivateDirectory(path, names, []))
    expect(message).toBe(
      `${path} holds other files, such as thesis.txt, so bitbucket-token did not make it. Nothing in it was removed.`,
    )
    expect(nextStep).toMatch(/^Remove the files of bitbucket-token by hand.* run cleanup again\.$/)
    expect(readdirSync(path)).toEqual(['thesis.txt', 'token'])
  })

  test('does not follow a link at its path', ({ base }) => {
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'token'), '')
    symlinkSync('elsewhere', join(base, 'private'))
    expect(refusal(() => clearPrivateDirectory(join(base, 'private'), names, [])).message).toContain(
      'is not a directory, so bitbucket-token did not make it',
    )
    expect(readdirSync(join(base, 'elsewhere'))).toEqual(['token'])
  })

  test('that is not writable is an error with a next step', () => {
    const path = temporaryDirectory()
    writeFileSync(join(path, 'token'), '')
    chmodSync(path, 0o555)
    // Without this, only root could remove it.
    onTestFinished(() => chmodSync(path, 0o755))
    if (process.geteuid?.() === 0) chownSync(path, 65534, 65534)
    becomeNobody()
    const { message, nextStep } = refusal(() => clearPrivateDirectory(path, names, []))
    expect(message).toContain(`${path} could not be cleaned: EACCES`)
    expect(nextStep).toContain('can write to')
  })
})

describe("another user's directory", { tags: ['root'] }, () => {
  test.each([
    ['taken over', (path: string) => takePrivateDirectory(path, ['token'])],
    ['taken over in a shared place', (path: string) => takeOwnDirectory(path)],
    ['cleared', (path: string) => clearPrivateDirectory(path, ['token'], [])],
    ['emptied', (path: string) => removeSecretFiles(path, ['token'])],
    ['removed', (path: string) => removePrivateDirectory(path)],
  ])('is not %s, even by root', (_, work) => {
    const path = join(temporaryDirectory(), 'theirs')
    mkdirSync(path, { mode: 0o700 })
    writeFileSync(join(path, 'token'), 'theirs')
    chownSync(path, 1000, 1000)
    refusal(() => work(path))
    expect(readFileSync(join(path, 'token'), 'utf8')).toBe('theirs')
    expect(readdirSync(path)).toEqual(['token'])
  })
})

describe('the .gitignore of a private directory', () => {
  test('is removed with the last secret file', () => {
    const path = join(temporaryDirectory(), 'private')
    takePrivateDirectory(path, ['one', 'two'])
    for (const name of ['one', 'two']) writeSecretFile(path, name, content)
    expect(readFileSync(join(path, '.gitignore'), 'utf8')).toBe('*\n')
    expect(isHidden(path)).toBe(true)
    removeSecretFiles(path, ['one'])
    expect(readdirSync(path)).toEqual(['.gitignore', 'two'])
    removeSecretFiles(path, ['two'])
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test.each(['*', '*\n!keep\n', '', 'a link'])('is not ours if it holds %j', (text) => {
    const path = join(temporaryDirectory(), 'private')
    mkdirSync(path)
    const ignore = join(path, '.gitignore')
    if (text === 'a link') {
      writeFileSync(`${path}-target`, '*\n')
      symlinkSync(`${path}-target`, ignore)
    } else writeFileSync(ignore, text)
    expect(refusal(() => takePrivateDirectory(path, ['token'])).message).toContain('such as .gitignore')
    expect(refusal(() => clearPrivateDirectory(path, ['token'], [])).message).toContain('such as .gitignore')
    removeSecretFiles(path, ['token'])
    expect(readdirSync(path)).toEqual(['.gitignore'])
    expect(isHidden(path)).toBe(false)
  })
})

test('inspecting a path that this user has no access to is an error', ({ base }) => {
  const path = join(base, 'private')
  expect([pathExists(base), pathExists(path)]).toEqual([true, false])
  chmodSync(base, 0o000)
  // Without this, only root could remove it.
  onTestFinished(() => chmodSync(base, 0o755))
  becomeNobody()
  for (const inspect of [pathExists, (at: string) => whyNotOurs(at, [])])
    expect(refusal(() => inspect(path)).message).toMatch(`${path} could not be inspected: EACCES`)
})

describe('removing half-written files', () => {
  test('keeps all other files, and removes the directory if it is empty', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of ['.new-x', 'token']) writeFileSync(join(path, name), '')
    removeTemporaryFiles(path)
    expect(readdirSync(path)).toEqual(['token'])
    removeSecretFiles(path, ['token'])
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })
})

describe('removing secret files', () => {
  test('removes the named files, and the directory if it is empty', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of ['one', 'two', 'kept']) writeSecretFile(path, name, content)
    removeSecretFiles(path, ['one', 'two', 'never-there'])
    expect(readdirSync(path)).toEqual(['kept'])
    removeSecretFiles(path, ['kept'])
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('from a missing directory is not an error', ({ base }) => {
    removeSecretFiles(join(base, 'private'), ['one'])
    expect(readdirSync(base)).toEqual([])
  })

  test('removes a link but not its target', ({ base }) => {
    writeFileSync(join(base, 'theirs'), 'theirs')
    makePrivateDirectory(join(base, 'private'))
    symlinkSync('../theirs', join(base, 'private', 'one'))
    removeSecretFiles(join(base, 'private'), ['one'])
    expect(readFileSync(join(base, 'theirs'), 'utf8')).toBe('theirs')
    expect(readdirSync(base)).toEqual(['theirs'])
  })

  test('does not follow a link that replaced the directory', ({ base }) => {
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'env.sh'), 'theirs')
    symlinkSync('elsewhere', join(base, 'private'))
    expect(refusal(() => removeSecretFiles(join(base, 'private'), ['env.sh'])).message).toBe(
      `${join(base, 'private')} could not be cleaned: it is not the directory that was made.`,
    )
    expect(readFileSync(join(base, 'elsewhere', 'env.sh'), 'utf8')).toBe('theirs')
  })
})
