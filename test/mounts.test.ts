import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { endsWithContainer, mountOf, mounts } from '../src/mounts.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

/** Makes a /proc of a container with its own file system and these mounts. */
function proc(paths: readonly string[], { root = 'overlay', init = '/bin/sh' } = {}): string {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'self'))
  mkdirSync(join(directory, '1'))
  const lines = [
    `700 600 0:50 / / rw,relatime master:300 - ${root} overlay rw,lowerdir=/x`,
    '701 700 0:53 / /proc rw,nosuid - proc proc rw',
    ...paths.map(
      (path) => `702 700 8:1 /srv/a ${path.replaceAll(' ', '\\040')} rw,relatime - ext4 /dev/sda1 rw`,
    ),
  ]
  writeFileSync(join(directory, 'self/mountinfo'), `${lines.join('\n')}\n`)
  writeFileSync(join(directory, '1/cmdline'), `${init.split(' ').join('\0')}\0`)
  return directory
}

const script = '/opt/bitbucket-token/dist/index.js'
const only = { pid: 1, ppid: 0, argv: ['node', script] }

describe('a file is lost with the container', () => {
  test("if it is in the container's own file system and the container has no other program", () => {
    expect(endsWithContainer('/work/.bitbucket-token', only, proc([]))).toBe(true)
    expect(endsWithContainer('/work/.bitbucket-token', only, proc(['/worker', '/data']))).toBe(true)
  })

  test('not if it is on a mount, also if its directory does not exist yet', () => {
    for (const mount of ['/work', '/work/deep', '/work/deep/.bitbucket-token']) {
      expect(endsWithContainer('/work/deep/.bitbucket-token', only, proc([mount]))).toBe(false)
    }
  })

  test('not if a link leads onto a mount', () => {
    const real = temporaryDirectory()
    const link = join(temporaryDirectory(), 'link')
    symlinkSync(real, link)
    expect(endsWithContainer(join(link, 'out'), only, proc([real]))).toBe(false)
    expect(endsWithContainer(join(link, 'out'), only, proc([link]))).toBe(true)
  })

  test('not if a shell or another program continues after this one', () => {
    const child = { pid: 7, ppid: 1, argv: ['node', script] }
    expect(endsWithContainer('/work/out', child, proc([]))).toBe(false)
    expect(endsWithContainer('/work/out', child, proc([], { init: `sh -c ${script};\u00a0more` }))).toBe(
      false,
    )
    expect(endsWithContainer('/work/out', { ...child, ppid: 6 }, proc([]))).toBe(false)
  })

  test('also if process 1 is an init that only starts this program: docker run --init', () => {
    const child = { pid: 7, ppid: 1, argv: ['node', script] }
    const init = `/sbin/docker-init -- /usr/local/bin/node ${script}`
    expect(endsWithContainer('/work/out', child, proc([], { init }))).toBe(true)
  })

  test('not outside a container, and not if the system has no list of mounts', () => {
    const isMarked = existsSync('/.dockerenv') || existsSync('/run/.containerenv')
    expect(endsWithContainer('/work/out', only, proc([], { root: 'ext4' }))).toBe(isMarked)
    expect(endsWithContainer('/work/out', only, join(temporaryDirectory(), 'gone'))).toBe(false)
  })
})

test('the mount of a path is the nearest one above it, and the last one of several at the same path', () => {
  const all = [
    { path: '/', type: 'overlay' },
    { path: '/a b', type: 'ext4' },
    { path: '/a b', type: 'tmpfs' },
  ]
  expect(mountOf('/a b/c', all)).toEqual({ path: '/a b', type: 'tmpfs' })
  expect(mountOf('/a b', all)).toEqual({ path: '/a b', type: 'tmpfs' })
  expect(mountOf('/a bc', all)).toEqual({ path: '/', type: 'overlay' })
})

test('decodes a path with a space', () => {
  expect(mounts(join(proc(['/a b']), 'self/mountinfo')).map(({ path }) => path)).toEqual([
    '/',
    '/proc',
    '/a b',
  ])
})
