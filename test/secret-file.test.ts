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
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { TokenError } from '../src/errors.ts'
import { Secret } from '../src/secret.ts'
import {
  appendSecret,
  clearPrivateDirectory,
  makePrivateDirectory,
  probeSecretFile,
  removePrivateDirectory,
  removeSecretFiles,
  removeTemporaryFiles,
  replaceSecretFile,
  takeOwnDirectory,
  takePrivateDirectory,
  writeSecretFile,
} from '../src/secret-file.ts'
import { uniqueName } from '../src/world.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const content = new Secret('hunter-hunter')
const modeOf = (path: string) => lstatSync(path).mode & 0o7777

/** Sets the umask for the rest of the test. */
function umask(mask: number): void {
  const before = process.umask(mask)
  onTestFinished(() => void process.umask(before))
}

/** A user that may write nowhere that is not theirs; root would. */
function becomeNobody(): void {
  if (process.geteuid?.() !== 0) return
  process.seteuid?.(65534)
  onTestFinished(() => process.seteuid?.(0))
}

/** Mounts a disk with these options of mount(8), for the rest of the test. */
function temporaryDisk(options: string): string {
  const disk = temporaryDirectory()
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', disk]).status).toBe(0)
  onTestFinished(() => void spawnSync('umount', [disk]))
  return disk
}

/** The error that the work must end in: about a file, with a step to take, and without the secret. */
function failure(work: () => unknown): TokenError {
  let error: unknown
  try {
    work()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(TokenError)
  const { code, exitStatus, nextStep, message } = error as TokenError
  expect({ code, exitStatus }).toEqual({ code: 'file', exitStatus: 1 })
  expect(nextStep).toMatch(/\.$/)
  expect(message).not.toContain('hunter')
  return error as TokenError
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

  test('a directory that is taken becomes 0700', () => {
    const path = join(temporaryDirectory(), 'private')
    mkdirSync(path)
    chmodSync(path, 0o755)
    umask(mask)
    takePrivateDirectory(path, ['token'])
    expect(modeOf(path)).toBe(0o700)
  })
})

describe('a private directory', () => {
  test('must not be there yet', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    expect(failure(() => makePrivateDirectory(path)).message).toContain('EEXIST')
  })

  test.each(['to a directory', 'to nothing'])('is not made through a link %s', (target) => {
    const base = temporaryDirectory()
    const elsewhere = join(base, 'elsewhere')
    if (target === 'to a directory') mkdirSync(elsewhere, { mode: 0o755 })
    symlinkSync(elsewhere, join(base, 'private'))
    failure(() => makePrivateDirectory(join(base, 'private')))
    expect(readdirSync(base)).not.toContain(target === 'to nothing' ? 'elsewhere' : '')
    if (target === 'to a directory') expect(modeOf(elsewhere)).toBe(0o755)
  })

  test('where the user may not write is refused, with the way out', () => {
    const base = temporaryDirectory()
    chmodSync(base, 0o555)
    becomeNobody()
    const { message, nextStep } = failure(() => makePrivateDirectory(join(base, 'private')))
    expect(message).toMatch(/^The private directory .*private could not be made: EACCES/)
    expect(nextStep).toContain('docker run --user')
  })
})

describe('taking a private directory', () => {
  test('makes it, and its parents, where there is none', () => {
    const path = join(temporaryDirectory(), 'a', 'b', 'private')
    takePrivateDirectory(path, ['token'])
    expect(modeOf(path)).toBe(0o700)
    expect(readdirSync(path)).toEqual(['.gitignore'])
  })

  test('takes one that holds only what is ours', () => {
    const path = join(temporaryDirectory(), 'private')
    mkdirSync(path)
    writeFileSync(join(path, 'token'), 'old')
    takePrivateDirectory(path, ['token', 'env.sh'])
    expect(readFileSync(join(path, 'token'), 'utf8')).toBe('old')
  })

  test("refuses somebody's directory, and its mode stays", () => {
    const path = join(temporaryDirectory(), 'home')
    mkdirSync(path)
    chmodSync(path, 0o755)
    writeFileSync(join(path, 'token'), '')
    writeFileSync(join(path, 'thesis.txt'), '')
    const { message, nextStep } = failure(() => takePrivateDirectory(path, ['token']))
    expect(message).toContain('thesis.txt')
    expect(nextStep).toBe('Give a directory of its own for the secret files (output-dir).')
    expect(modeOf(path)).toBe(0o755)
  })

  test("refuses one that is somebody's to open, also an empty one", { tags: ['root'] }, () => {
    const base = temporaryDirectory()
    const path = join(base, 'theirs')
    mkdirSync(path)
    for (const directory of [base, path]) chmodSync(directory, 0o777)
    becomeNobody()
    const { message, nextStep } = failure(() => takePrivateDirectory(path, ['token']))
    expect(message).toContain('it belongs to another user (uid 0)')
    expect(nextStep).toContain('output-dir')
    expect(modeOf(path)).toBe(0o777)
  })

  test('is not stopped by a temporary file that a killed run left behind', () => {
    const path = join(temporaryDirectory(), 'private')
    takePrivateDirectory(path, ['token'])
    writeFileSync(join(path, '.new-6f2c0f6e-0000-4000-8000-000000000000'), 'half')
    takePrivateDirectory(path, ['token'])
    expect(readFileSync(writeSecretFile(path, 'token', content), 'utf8')).toBe('hunter-hunter')
  })

  test('does not follow a link, and what it points to stays as it is', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'elsewhere'))
    chmodSync(join(base, 'elsewhere'), 0o755)
    symlinkSync('elsewhere', join(base, 'private'))
    expect(failure(() => takePrivateDirectory(join(base, 'private'), ['token'])).message).toContain(
      'not a directory',
    )
    expect(modeOf(join(base, 'elsewhere'))).toBe(0o755)
  })

  test('does not take a file for a directory', () => {
    const path = join(temporaryDirectory(), 'private')
    writeFileSync(path, 'mine')
    failure(() => takePrivateDirectory(path, ['token']))
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('below a file is an error with a next step', () => {
    const base = temporaryDirectory()
    const path = join(base, 'file', 'private')
    writeFileSync(join(base, 'file'), '')
    expect(failure(() => takePrivateDirectory(path, ['token'])).message).toMatch(
      `The private directory ${path} could not be made: E`,
    )
  })

  test('where the user may not write is refused for that, and said once', () => {
    const base = temporaryDirectory()
    chmodSync(base, 0o555)
    becomeNobody()
    const { message } = failure(() => takePrivateDirectory(join(base, 'private'), ['token']))
    expect(message).toContain('EACCES')
    expect(message.split('could not be made')).toHaveLength(2)
  })
})

describe('taking a directory where all users write', () => {
  test('makes it, or takes the one that is ours, whatever it holds', () => {
    const path = join(temporaryDirectory(), 'cache')
    takeOwnDirectory(path)
    expect(modeOf(path)).toBe(0o700)
    chmodSync(path, 0o755)
    writeFileSync(join(path, 'anything'), '')
    takeOwnDirectory(path)
    expect(modeOf(path)).toBe(0o700)
  })

  test('refuses one that somebody made in advance', () => {
    // Root's own for everybody else, and for root a directory that was given away.
    let path = '/'
    if (process.getuid?.() === 0) {
      path = join(temporaryDirectory(), 'cache')
      mkdirSync(path)
      chmodSync(path, 0o755)
      chownSync(path, 65534, 65534)
    }
    const mode = modeOf(path)
    expect(failure(() => takeOwnDirectory(path)).message).toContain('belongs to another user')
    expect(modeOf(path)).toBe(mode)
  })

  test('takes what is there on a system without user ids, where the place is the user’s own', () => {
    const path = join(temporaryDirectory(), 'cache')
    mkdirSync(path)
    const { getuid } = process
    delete process.getuid
    onTestFinished(() => void Object.assign(process, { getuid }))
    takeOwnDirectory(path)
    expect(modeOf(path)).toBe(0o700)
  })

  test('refuses a link', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'elsewhere'))
    symlinkSync('elsewhere', join(base, 'cache'))
    failure(() => takeOwnDirectory(join(base, 'cache')))
  })
})

describe('a secret file', () => {
  test('replaces one that anybody could read by one that we alone can', () => {
    const base = temporaryDirectory()
    const path = join(base, 'token')
    writeFileSync(path, 'an old and longer content')
    chmodSync(path, 0o644)
    expect(writeSecretFile(base, 'token', content)).toBe(path)
    expect(modeOf(path)).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe('hunter-hunter')
  })

  test.each(['a file', 'nothing'])('replaces a link to %s, and does not follow it', (target) => {
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

  test('does not show half of it to one who has the old one open', () => {
    const base = temporaryDirectory()
    writeSecretFile(base, 'token', new Secret('old'))
    const inode = lstatSync(join(base, 'token')).ino
    writeSecretFile(base, 'token', content)
    expect(lstatSync(join(base, 'token')).ino).not.toBe(inode)
  })

  test('is made exclusively: a link that waits under its temporary name is not followed', () => {
    const base = temporaryDirectory()
    writeFileSync(join(base, 'elsewhere'), 'theirs')
    vi.spyOn(Date, 'now').mockReturnValue(0)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    const [pid, count = '', ...rest] = uniqueName().split('-')
    const next = (Number.parseInt(count, 16) + 1).toString(16).padStart(4, '0')
    symlinkSync('elsewhere', join(base, `.new-${[pid, next, ...rest].join('-')}`))
    expect(failure(() => writeSecretFile(base, 'token', content)).message).toContain('EEXIST')
    expect(readFileSync(join(base, 'elsewhere'), 'utf8')).toBe('theirs')
    expect(readdirSync(base)).not.toContain('token')
  })

  test('is UTF-8 and may be long', () => {
    const base = temporaryDirectory()
    const long = 'ü'.repeat(100_000)
    expect(readFileSync(writeSecretFile(base, 'token', new Secret(long)), 'utf8')).toBe(long)
  })

  test('that cannot take its place leaves what was there, and no temporary file', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'token'))
    const { message } = failure(() => writeSecretFile(base, 'token', content))
    expect(message).toContain(`The file ${join(base, 'token')} could not be written`)
    expect(readdirSync(base)).toEqual(['token'])
    expect(lstatSync(join(base, 'token')).isDirectory()).toBe(true)
  })

  test('in a directory that is gone is an error with a next step', () => {
    failure(() => writeSecretFile(join(temporaryDirectory(), 'gone'), 'token', content))
  })

  test('where the user may not write is refused, with the way out', () => {
    const base = temporaryDirectory()
    chmodSync(base, 0o555)
    becomeNobody()
    const { message, nextStep } = failure(() => writeSecretFile(base, 'token', content))
    expect(message).toContain('EACCES')
    expect(nextStep).toContain('docker run --user')
  })

  test('on a disk that is only read is refused, with the way out', { tags: ['mount'] }, () => {
    const disk = temporaryDisk('ro')
    const { message, nextStep } = failure(() => writeSecretFile(disk, 'token', content))
    expect(message).toContain('EROFS')
    expect(nextStep).toContain('may write to')
  })
})

describe('a secret file that outlives the job', () => {
  test('is replaced whole, for its owner alone, and nothing is left beside it', () => {
    const base = temporaryDirectory()
    const path = join(base, 'token')
    for (const text of ['a first one that is longer', 'hunter-hunter'])
      replaceSecretFile(path, new Secret(text))
    expect(readFileSync(path, 'utf8')).toBe('hunter-hunter')
    expect(modeOf(path)).toBe(0o600)
    expect(readdirSync(base)).toEqual(['token'])
  })

  test('takes over what a killed run has left, and not what it points to', () => {
    const base = temporaryDirectory()
    writeFileSync(join(base, 'theirs'), 'theirs')
    symlinkSync('theirs', join(base, 'token.new'))
    replaceSecretFile(join(base, 'token'), content)
    expect(readFileSync(join(base, 'theirs'), 'utf8')).toBe('theirs')
    expect(readdirSync(base)).toEqual(['theirs', 'token'])
  })

  test('stays as it was where it cannot be replaced', () => {
    const base = temporaryDirectory()
    const path = join(base, 'token')
    replaceSecretFile(path, new Secret('old'))
    mkdirSync(join(base, 'token.new'))
    expect(failure(() => replaceSecretFile(path, content)).message).toContain(
      `The file ${path} could not be written`,
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  test('is not kept open', () => {
    const base = temporaryDirectory()
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for (let time = 0; time < 5; time++) replaceSecretFile(join(base, 'token'), content)
    expect(open()).toBe(before)
  })
})

describe('a trial of such a file', () => {
  test('leaves nothing, also where a killed run has left something', () => {
    const base = temporaryDirectory()
    probeSecretFile(join(base, 'token'))
    expect(readdirSync(base)).toEqual([])
    writeFileSync(join(base, 'token.new'), 'half')
    probeSecretFile(join(base, 'token'))
    expect(readdirSync(base)).toEqual([])
  })

  test('tells before the token is there that it could not be written', () => {
    const path = join(temporaryDirectory(), 'gone', 'token')
    expect(failure(() => probeSecretFile(path)).message).toContain(
      `The file ${path}.new could not be written`,
    )
  })
})

describe('adding to a file of the CI', () => {
  test('keeps what is there, and its mode', () => {
    const file = join(temporaryDirectory(), 'env')
    writeFileSync(file, 'first\n')
    chmodSync(file, 0o644)
    appendSecret(file, content)
    expect(readFileSync(file, 'utf8')).toBe('first\nhunter-hunter')
    expect(modeOf(file)).toBe(0o644)
  })

  test('makes one that we alone can read where there is none', () => {
    const file = join(temporaryDirectory(), 'env')
    umask(0)
    appendSecret(file, content)
    expect(readFileSync(file, 'utf8')).toBe('hunter-hunter')
    expect(modeOf(file)).toBe(0o600)
  })

  test('takes back the half that a disk had room for, and no more', { tags: ['mount'] }, () => {
    const disk = temporaryDisk('size=8k')
    const file = join(disk, 'env')
    writeFileSync(file, 'from another step\n')
    expect(failure(() => appendSecret(file, new Secret('x'.repeat(10_000)))).message).toContain('ENOSPC')
    expect(readFileSync(file, 'utf8')).toBe('from another step\n')
  })

  test.skipIf(!existsSync('/dev/full'))('says so where the disk is full', () => {
    const { message, nextStep } = failure(() => appendSecret('/dev/full', content))
    expect(message).toMatch("The CI's file /dev/full could not be written: ENOSPC")
    expect(nextStep).toBe('Make room on the disk, then run it again.')
  })
})

describe('removing a private directory', () => {
  test('takes all in it along', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    writeSecretFile(path, 'token', content)
    writeFileSync(join(path, '.new-x'), 'half')
    expect(removePrivateDirectory(path)).toBe(true)
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('that is not there is no error', () => {
    const base = temporaryDirectory()
    expect(removePrivateDirectory(join(base, 'private'))).toBe(false)
    expect(readdirSync(base)).toEqual([])
  })

  test('does not follow a link in its place', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'theirs'), '')
    symlinkSync('elsewhere', join(base, 'private'))
    expect(failure(() => removePrivateDirectory(join(base, 'private'))).message).toBe(
      `${join(base, 'private')} could not be removed: it is not the directory that was made.`,
    )
    expect(readdirSync(join(base, 'elsewhere'))).toEqual(['theirs'])
  })

  test('does not follow a link inside it', () => {
    const base = temporaryDirectory()
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

  test('removes what is ours, half-written files too, and tells what', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of ['token', '.new-x']) writeFileSync(join(path, name), '')
    expect(clearPrivateDirectory(path, names, [])).toEqual({
      removed: [join(path, '.new-x'), join(path, 'token')],
      kept: [],
    })
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('leaves what is to be kept, and tells that too', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of names) writeFileSync(join(path, name), '')
    expect(clearPrivateDirectory(path, names, ['env.sh', 'never-there'])).toEqual({
      removed: [join(path, 'token')],
      kept: [join(path, 'env.sh')],
    })
    expect(readdirSync(path)).toEqual(['env.sh'])
  })

  test('that is not there is no error', () => {
    const path = join(temporaryDirectory(), 'private')
    expect(clearPrivateDirectory(path, names, [])).toEqual({ removed: [], kept: [] })
  })

  test("touches nothing of somebody's directory", () => {
    const path = temporaryDirectory()
    for (const name of ['thesis.txt', 'token']) writeFileSync(join(path, name), '')
    const { message, nextStep } = failure(() => clearPrivateDirectory(path, names, []))
    expect(message).toBe(
      `${path} holds other files, such as thesis.txt, so it is not one that was made here: nothing in it was removed.`,
    )
    expect(nextStep).toMatch(/^Remove by hand .* run cleanup again\.$/)
    expect(readdirSync(path)).toEqual(['thesis.txt', 'token'])
  })

  test('does not follow a link in its place', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'token'), '')
    symlinkSync('elsewhere', join(base, 'private'))
    expect(failure(() => clearPrivateDirectory(join(base, 'private'), names, [])).message).toContain(
      'is not a directory, so it is not one that was made here',
    )
    expect(readdirSync(join(base, 'elsewhere'))).toEqual(['token'])
  })

  test('where the user may not write is refused, with the way out', () => {
    const path = temporaryDirectory()
    writeFileSync(join(path, 'token'), '')
    chmodSync(path, 0o555)
    // Otherwise only root could remove it.
    onTestFinished(() => chmodSync(path, 0o755))
    if (process.geteuid?.() === 0) chownSync(path, 65534, 65534)
    becomeNobody()
    const { message, nextStep } = failure(() => clearPrivateDirectory(path, names, []))
    expect(message).toContain(`${path} could not be cleaned: EACCES`)
    expect(nextStep).toContain('may write to')
  })
})

describe("another user's directory", { tags: ['root'] }, () => {
  test.each([
    ['taken', (path: string) => takePrivateDirectory(path, ['token'])],
    ['taken where all users write', (path: string) => takeOwnDirectory(path)],
    ['cleared', (path: string) => clearPrivateDirectory(path, ['token'], [])],
    ['emptied', (path: string) => removeSecretFiles(path, ['token'])],
    ['removed', (path: string) => removePrivateDirectory(path)],
  ])('is not %s, even by root', (_, work) => {
    const path = join(temporaryDirectory(), 'theirs')
    mkdirSync(path, { mode: 0o700 })
    writeFileSync(join(path, 'token'), 'theirs')
    chownSync(path, 1000, 1000)
    failure(() => work(path))
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
    removeSecretFiles(path, ['one'])
    expect(readdirSync(path)).toEqual(['.gitignore', 'two'])
    removeSecretFiles(path, ['two'])
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test.each(['*', '*\n!keep\n', '', 'a link'])("is somebody's if it holds %j", (text) => {
    const path = join(temporaryDirectory(), 'private')
    mkdirSync(path)
    const ignore = join(path, '.gitignore')
    if (text === 'a link') {
      writeFileSync(`${path}-target`, '*\n')
      symlinkSync(`${path}-target`, ignore)
    } else writeFileSync(ignore, text)
    expect(failure(() => takePrivateDirectory(path, ['token'])).message).toContain('such as .gitignore')
    expect(failure(() => clearPrivateDirectory(path, ['token'], [])).message).toContain('such as .gitignore')
    expect(readdirSync(path)).toEqual(['.gitignore'])
  })
})

describe('removing half-written files', () => {
  test('leaves all others, and takes the directory along once it is empty', () => {
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
  test('removes those that are named, and the directory once it is empty', () => {
    const path = join(temporaryDirectory(), 'private')
    makePrivateDirectory(path)
    for (const name of ['one', 'two', 'kept']) writeSecretFile(path, name, content)
    removeSecretFiles(path, ['one', 'two', 'never-there'])
    expect(readdirSync(path)).toEqual(['kept'])
    removeSecretFiles(path, ['kept'])
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('from a directory that is gone is no error', () => {
    const base = temporaryDirectory()
    removeSecretFiles(join(base, 'private'), ['one'])
    expect(readdirSync(base)).toEqual([])
  })

  test('removes a link, not what it points to', () => {
    const base = temporaryDirectory()
    writeFileSync(join(base, 'theirs'), 'theirs')
    makePrivateDirectory(join(base, 'private'))
    symlinkSync('../theirs', join(base, 'private', 'one'))
    removeSecretFiles(join(base, 'private'), ['one'])
    expect(readFileSync(join(base, 'theirs'), 'utf8')).toBe('theirs')
    expect(readdirSync(base)).toEqual(['theirs'])
  })

  test('does not go through a link that took the place of the directory', () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, 'elsewhere'))
    writeFileSync(join(base, 'elsewhere', 'env.sh'), 'theirs')
    symlinkSync('elsewhere', join(base, 'private'))
    expect(failure(() => removeSecretFiles(join(base, 'private'), ['env.sh'])).message).toBe(
      `${join(base, 'private')} could not be cleaned: it is not the directory that was made.`,
    )
    expect(readFileSync(join(base, 'elsewhere', 'env.sh'), 'utf8')).toBe('theirs')
  })
})
