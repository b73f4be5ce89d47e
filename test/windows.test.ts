/** @module-tag process */
// Tests the code for Windows on other systems, with programs that have the names of Windows' own, and with Windows' errors.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { github } from '../src/hosts/github.ts'
import { shell } from '../src/hosts/shell.ts'
import { withoutCredentials } from '../src/inputs.ts'
import { Secret } from '../src/secret.ts'
import { makePrivateDirectory, takeOwnDirectory } from '../src/secret-file.ts'
import { commandStore } from '../src/stores/command.ts'
import { replaceFile, systemProgram } from '../src/windows.ts'
import { readToEnd } from '../src/world.ts'
import { quickWorld, tokens, untilDone } from './stores/support/open.ts'
import { fakeWorld } from './support/fake-world.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const system32 = 'C:\\Windows\\System32\\'

/**
 * Makes a script that is found as `C:\Windows\System32\…`. That name has no `/`, so other systems search for it on the PATH.
 * @returns a function that reads what the script wrote to the file `seen` next to it
 */
function windowsProgram(name: string, script: string): { path: string; seen: () => string } {
  const directory = temporaryDirectory()
  writeFileSync(
    join(directory, `${system32}${name}`),
    `#!/bin/sh\nseen='${directory.replaceAll("'", "'\\''")}/seen'\n${script}\n`,
  )
  chmodSync(join(directory, `${system32}${name}`), 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = `${directory}:${before}`
  onTestFinished(() => {
    process.env['PATH'] = before
  })
  return { path: process.env['PATH'], seen: () => readFileSync(join(directory, 'seen'), 'utf8') }
}

/** Records its arguments and the content of the directory. */
const icacls = () => windowsProgram('icacls.exe', 'printf "%s\\n" "$@" >"$seen"; ls -A "$1" >>"$seen"')
const onlyTheOwner = ['/inheritance:r', '/grant:r', '*S-1-3-4:(OI)(CI)F', '/q', ''].join('\n')

describe('a program of Windows', () => {
  test.each([
    [{ SystemRoot: 'D:\\WINNT' }, 'D:\\WINNT\\System32\\icacls.exe'],
    [{ SYSTEMROOT: 'D:\\WINNT' }, 'D:\\WINNT\\System32\\icacls.exe'],
    [{ SystemRoot: '' }, 'C:\\Windows\\System32\\icacls.exe'],
    [{}, 'C:\\Windows\\System32\\icacls.exe'],
  ])('is started by its full path, with %o', (env, path) => {
    expect(systemProgram('icacls.exe', env)).toBe(path)
  })
})

describe('on Windows only the owner can enter', () => {
  test('the directory on GitHub, before a secret is in it', () => {
    const temp = temporaryDirectory()
    const { path, seen } = icacls()
    const host = github(fakeWorld({ platform: 'win32', env: { PATH: path, RUNNER_TEMP: temp } }), false)
    const file = host.writeSecretFile('git-credentials', new Secret('x'))
    expect(seen()).toBe(`${join(file, '..')}\n${onlyTheOwner}`)
  })

  test('the output directory, also one from an earlier run', () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, '.bitbucket-token'))
    const { path, seen } = icacls()
    shell(fakeWorld({ platform: 'win32', cwd, env: { PATH: path } }), undefined, false).writeSecretFile(
      'git-credentials',
      new Secret('x'),
    )
    expect(seen()).toBe(`${join(cwd, '.bitbucket-token')}\n${onlyTheOwner}`)
  })

  test('and a directory that others could enter is removed', () => {
    const cache = join(temporaryDirectory(), 'cache')
    const { path } = windowsProgram('icacls.exe', 'exit 5')
    expect(() => makePrivateDirectory(cache, { platform: 'win32', env: { PATH: path } })).toThrow(
      'icacls.exe',
    )
    expect(existsSync(cache)).toBe(false)
  })

  test('the cache of tokens', () => {
    const cache = join(temporaryDirectory(), 'cache')
    const { path, seen } = icacls()
    takeOwnDirectory(cache, { platform: 'win32', env: { PATH: path } })
    expect(seen()).toBe(`${cache}\n${onlyTheOwner}`)
  })

  test.each([
    ['fails', () => windowsProgram('icacls.exe', 'exit 5').path, /could not keep other users out of it\.$/],
    ['is missing', () => '', /could not keep other users out of it: .*ENOENT\.$/],
  ])('or nothing is written, if icacls %s', (_, pathWith, message) => {
    const temp = temporaryDirectory()
    const env = { PATH: pathWith(), RUNNER_TEMP: temp }
    const host = github(fakeWorld({ platform: 'win32', env }), false)
    expect(() => host.writeSecretFile('git-credentials', new Secret('x'))).toThrow(message)
    expect(readdirSync(temp)).toEqual([])
  })

  test('icacls is not started on other systems', () => {
    const { path, seen } = icacls()
    const temp = temporaryDirectory()
    github(fakeWorld({ env: { PATH: path, RUNNER_TEMP: temp } }), false).writeSecretFile('a', new Secret('x'))
    expect(seen).toThrow('ENOENT')
  })
})

describe('a file that another process has open', () => {
  const failing = (code: string, times: number) => {
    const calls: string[] = []
    const waits: number[] = []
    const rename = (from: unknown, to: unknown) => {
      calls.push(`${from} ${to}`)
      if (calls.length <= times) throw Object.assign(new Error(code), { code })
    }
    return { calls, waits, disk: { rename, pause: (milliseconds: number) => void waits.push(milliseconds) } }
  }

  test.each(['EPERM', 'EACCES', 'EBUSY'])('is replaced after retries on Windows (%s)', (code) => {
    const { calls, disk } = failing(code, 2)
    replaceFile('new', 'old', { platform: 'win32' }, disk)
    expect(calls).toEqual(['new old', 'new old', 'new old'])
  })

  test('is not retried forever', () => {
    const { waits, disk } = failing('EPERM', 100)
    expect(() => replaceFile('new', 'old', { platform: 'win32' }, disk)).toThrow('EPERM')
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320])
  })

  test.each([
    ['win32', 'ENOSPC'],
    ['linux', 'EPERM'],
    ['darwin', 'EACCES'],
  ] as const)('is the only reason to retry: not on %s after %s', (platform, code) => {
    const { calls, waits, disk } = failing(code, 1)
    expect(() => replaceFile('new', 'old', { platform }, disk)).toThrow(code)
    expect([calls.length, waits]).toEqual([1, []])
  })
})

describe('standard input', () => {
  const reading = (chunks: readonly string[], end: () => number) => {
    const left = [...chunks]
    return readToEnd((buffer) => {
      const chunk = left.shift()
      return chunk === undefined
        ? end()
        : Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length).write(chunk)
    })
  }
  const throwing = (code: string) => () => {
    throw Object.assign(new Error(code), { code })
  }

  test('ends with the error EOF on Windows', () => {
    expect(reading(['protocol=https\n', 'host=bitbucket.org\n'], throwing('EOF'))).toBe(
      'protocol=https\nhost=bitbucket.org\n',
    )
    expect(reading([], throwing('EOF'))).toBe('')
  })

  test('ends with an empty read on other systems, also in the middle of a character', () => {
    expect(reading(['a', 'b'], () => 0)).toBe('ab')
    const parts = [Buffer.from([0xe2, 0x82]), Buffer.from([0xac])]
    expect(readToEnd((buffer) => parts.shift()?.copy(buffer) ?? 0)).toBe('€')
  })

  test('that is not readable is an error', () => {
    expect(() => reading(['a'], throwing('EISDIR'))).toThrow('EISDIR')
  })
})

describe('a command that saves a token', () => {
  const store = (command: string, path: string, more: Record<string, string> = {}) => {
    const world = { ...quickWorld({ PATH: path, ...more }, temporaryDirectory()), platform: 'win32' as const }
    return commandStore(command, { world, clean: (text) => text, quote: (text) => text })
  }

  test('is passed to cmd.exe unchanged, and gets the token on its standard input', async () => {
    const { path, seen } = windowsProgram('cmd.exe', 'printf "%s\\n" "$@" >"$seen"; cat >>"$seen"')
    const saving = store('vault kv put "a b" -', path, { ComSpec: 'C:\\somebody\\elses.exe' })
    await saving.check()
    await saving.save(tokens('the-token'), untilDone)
    expect(seen()).toBe('/d\n/s\n/c\n"vault kv put "a b" -"\nthe-token')
  })

  test('is stopped when its time is over, with all its child processes', async () => {
    const tree = windowsProgram('taskkill.exe', 'printf "%s\\n" "$@" >"$seen"; kill -9 "$4"')
    const { path } = windowsProgram('cmd.exe', 'exec sleep 60')
    const stop = new AbortController()
    const saved = store('slow', path).save(tokens('the-token'), stop.signal)
    stop.abort()
    await expect(saved).rejects.toThrow('it did not end in time')
    expect(tree.seen()).toMatch(/^\/t\n\/f\n\/pid\n\d+\n$/)
  })

  test('is also stopped if taskkill is missing', async () => {
    const { path } = windowsProgram('cmd.exe', 'exec sleep 60')
    const stop = new AbortController()
    const saved = store('slow', path).save(tokens('the-token'), stop.signal)
    stop.abort()
    await expect(saved).rejects.toThrow('it did not end in time')
  })
})

test('other programs do not get a credential in a variable of another case, because Windows ignores case', () => {
  expect(
    withoutCredentials({ Bitbucket_Client_Secret: 'x', bitbucket_git_password_x: 'y', Path: 'z' }),
  ).toEqual({
    Path: 'z',
  })
})
