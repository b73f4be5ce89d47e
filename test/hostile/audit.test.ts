import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeTree, writeTree } from '../audit/tree.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { git, gitEnvironment } from '../support/git.ts'
import { commands, hostileText } from '../support/hostile-text.ts'
import { commandsIn } from '../support/log-commands.ts'

// Trees that an attacker made. The audit must not hang, fill the memory, hide a finding silently, start a program or send
// commands to the CI. The tests run real processes. `HOSTILE=all` adds the trees that take minutes.

const leak = 'x=$BITBUCKET_APP_PASSWORD\n'
const formats = ['text', 'json', 'sarif', 'gitlab'] as const
const isRoot = process.getuid?.() === 0

interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** The peak memory in MiB (proc(5), VmHWM). */
  readonly peak: number
  readonly seconds: number
}

interface Start {
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** Called with the process, which it may stop or whose output it may read. */
  readonly onStart?: (child: ReturnType<typeof spawn>) => void
}

let tried = 0
let gotThrough = 0
afterAll(() => console.log(`audit, hostile trees: ${tried} tried, ${gotThrough} got through`))

/** Runs an assertion, and counts it as an attack that got through if it fails. */
function expectHarmless(holds: () => void): void {
  tried++
  gotThrough++
  holds()
  gotThrough--
}

function audit(root: string, { args = [], env = {}, cwd = root, onStart }: Start = {}): Promise<Run> {
  const child = spawn(process.execPath, [bundle, 'audit', root, ...args], {
    cwd,
    env: { ...gitEnvironment(), PATH: pathWithoutProject, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const began = performance.now()
  const output = { stdout: '', stderr: '' }
  let peak = 0
  const watch = setInterval(() => {
    try {
      const [, kilobytes = '0'] =
        /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      peak = Math.max(peak, Number(kilobytes) / 1024)
    } catch {
      // The process has ended.
    }
  }, 10)
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  onStart?.(child)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => {
      clearInterval(watch)
      resolve({ ...output, status, peak, seconds: (performance.now() - began) / 1_000 })
    })
  })
}

interface Answer {
  readonly findings: readonly {
    readonly path: string
    readonly uri: string
    readonly commit: string | null
  }[]
  readonly files: number
  readonly unlisted: number
  readonly notes: readonly string[]
  readonly incomplete: boolean
}

async function answerFor(root: string, start: Start = {}): Promise<Answer & { readonly run: Run }> {
  const run = await audit(root, { ...start, args: ['--format', 'json', ...(start.args ?? [])] })
  try {
    return { ...(JSON.parse(run.stdout) as Answer), run }
  } catch {
    throw new Error(`no JSON on stdout: ${run.status} ${run.stderr}`)
  }
}

const names = ({ findings }: Answer): string[] => findings.map(({ path }) => path).sort()

function makeClone(files: Readonly<Record<string, string | Buffer>>): string {
  const root = makeTree(files)
  git(root, 'init', '--quiet')
  return root
}

const mkfifo = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  execFileSync('mkfifo', [path])
}

describe('file names', () => {
  const root = () => {
    const tree = makeTree()
    for (const command of commands) {
      const name = command.replaceAll('/', '').replaceAll('\0', '')
      if (name !== '') writeFileSync(join(tree, name), leak)
    }
    return tree
  }

  test.each(formats)('that are commands of a CI are not commands in %s', async (format) => {
    const { stdout, stderr, status } = await audit(root(), { args: ['--format', format] })
    expectHarmless(() => {
      expect(commandsIn(stdout)).toEqual([])
      expect(commandsIn(stderr)).toEqual([])
      expect(status).toBe(1)
    })
  })

  test('are the same in JSON and SARIF as on the disk', async () => {
    const tree = makeTree({
      '##vso[task.complete]x': leak,
      '::set-output name=a::b': leak,
      "##teamcity[a 'b']": leak,
    })
    const written = ["##teamcity[a 'b']", '##vso[task.complete]x', '::set-output name=a::b']
    const answer = await answerFor(tree)
    expectHarmless(() => {
      expect(names(answer)).toEqual(written)
      expect(answer.findings.map(({ uri }) => decodeURIComponent(uri)).sort()).toEqual(written)
    })
    const sarif = JSON.parse((await audit(tree, { args: ['--format', 'sarif'] })).stdout) as {
      runs: { results: { locations: { physicalLocation: { artifactLocation: { uri: string } } }[] }[] }[]
    }
    const uris = sarif.runs[0]?.results.map(
      ({ locations }) => locations[0]?.physicalLocation.artifactLocation.uri ?? '',
    )
    expect(uris?.map(decodeURIComponent).sort()).toEqual(written)
  })

  test('of any bytes, in directories of any bytes, send no commands to a CI', async () => {
    const bytes = fc.oneof(
      hostileText.map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((some) => Buffer.from(some)),
    )
    const clean = (name: Buffer) =>
      Buffer.from(name.filter((byte) => byte !== 0 && byte !== 0x2f).subarray(0, 200))
    const all = fc
      .sample(fc.tuple(bytes, bytes), { numRuns: 400, seed: 4 })
      .map(([a, b]) => [clean(a), clean(b)] as const)
    const tree = makeTree()
    const at = (...parts: readonly Buffer[]) =>
      Buffer.concat([Buffer.from(tree), ...parts.flatMap((part) => [Buffer.from('/'), part])])
    let made = 0
    for (const [index, [directory, name]] of all.entries()) {
      // The suffixes make each name unique, and none is `.`, `..` or `.git`.
      const [above, below] = [
        Buffer.concat([directory, Buffer.from(`${index}`)]),
        Buffer.concat([name, Buffer.from('_')]),
      ]
      mkdirSync(at(above))
      writeFileSync(at(above, below), leak)
      made++
    }
    for (const format of formats) {
      for (const [label, place] of [
        ['outside', tree],
        ['clone', tree],
      ] as const) {
        if (label === 'clone' && !existsSync(join(tree, '.git'))) git(tree, 'init', '--quiet')
        const { stdout, stderr, status } = await audit(place, { args: ['--format', format] })
        expectHarmless(() => {
          expect(commandsIn(stdout)).toEqual([])
          expect(commandsIn(stderr)).toEqual([])
          expect(status).toBe(1)
          if (format === 'json') expect((JSON.parse(stdout) as Answer).findings).toHaveLength(made)
        })
      }
    }
  }, 120_000)

  test('in notes and errors are not commands either', async () => {
    const tree = makeTree({ '::error::big/x': '' })
    truncateSync(join(tree, '::error::big/x'), 20 * 1024 * 1024)
    renameSync(join(tree, '::error::big/x'), join(tree, '##vso[task.complete]big'))
    mkfifo(join(tree, '::add-path::x/.gitignore'))
    const missing = await audit(join(tree, '::error::nowhere'), { cwd: tree })
    for (const format of formats) {
      const { stdout, stderr } = await audit(tree, { args: ['--format', format] })
      expectHarmless(() => {
        expect(`${stdout}\n${stderr}`).toContain('vso[task.complete]big')
        expect(commandsIn(`${stdout}\n${stderr}`)).toEqual([])
      })
    }
    expect([commandsIn(missing.stderr), missing.status]).toEqual([[], 2])
  })
})

test('contents of files send no commands to a CI', async () => {
  const tree = makeTree()
  for (const [index, text] of fc.sample(hostileText, { numRuns: 300, seed: 5 }).entries()) {
    writeFileSync(
      join(tree, `${index}`),
      `${text}$BITBUCKET_APP_PASSWORD${text}\n${text} https://a:${text}b@bitbucket.org\n`,
    )
  }
  for (const format of formats) {
    const { stdout, stderr } = await audit(tree, { args: ['--format', format] })
    expectHarmless(() => expect(commandsIn(`${stdout}\n${stderr}`)).toEqual([]))
  }
})

describe.each([
  ['with git', {}],
  ['without git', { PATH: '/nonexistent' }],
])('a .gitignore, %s,', (_, env) => {
  const cases: [name: string, make: (file: string) => void, note: RegExp][] = [
    [
      'that is a link to /dev/zero',
      (file) => symlinkSync('/dev/zero', file),
      /files that are links, not used: 1/,
    ],
    [
      'that is a link to a FIFO',
      (file) => {
        mkfifo(`${file}.fifo`)
        symlinkSync(`${file}.fifo`, file)
      },
      /files that are links, not used: 1/,
    ],
    ['that is a FIFO', (file) => mkfifo(file), /not regular files, not used: 1/],
    ['that is a directory', (file) => mkdirSync(file), /not regular files, not used: 1/],
    [
      'of 2 GB',
      (file) => {
        writeFileSync(file, '')
        truncateSync(file, 2 ** 31)
      },
      /larger than 1 MiB, not used: 1/,
    ],
    [
      'with 100,000 patterns',
      (file) => writeFileSync(file, 'a*b*c\n'.repeat(100_000)),
      /too many patterns, not used: 1/,
    ],
    [
      'with one pattern of 900 kB',
      (file) => writeFileSync(file, `${'a/**/'.repeat(180_000)}\n`),
      /longer than 4,096 characters/,
    ],
  ]
  test.each(cases)('%s is not used, and a note says so', async (name, make, note) => {
    for (const place of ['.gitignore', 'deep/er/.gitignore']) {
      const root = makeClone({ 'deep/er/a.sh': leak })
      make(join(root, place))
      const answer = await answerFor(root, { env })
      expectHarmless(() => {
        expect(names(answer)).toEqual(['deep/er/a.sh'])
        expect(answer.notes.join('\n'), name).toMatch(note)
        expect(answer.run.seconds).toBeLessThan(20)
        expect(answer.run.peak).toBeLessThan(300)
      })
    }
  })

  test('whose patterns would take forever as regular expressions is matched quickly', async () => {
    const deep = Array(40).fill('a').join('/')
    const root = makeClone({
      '.gitignore': `${'a/**/'.repeat(12)}\n${'*a'.repeat(60)}b\n${'**/a/'.repeat(200)}b\n${'[a-z]*'.repeat(300)}Z\n`,
      [`${deep}/${'a'.repeat(200)}`]: leak,
      [`b/${deep}/x.sh`]: leak,
    })
    const answer = await answerFor(root, { env })
    expectHarmless(() => {
      // As in git, the first pattern excludes everything below twelve directories named a.
      expect(names(answer)).toEqual([`b/${deep}/x.sh`])
      expect(answer.run.seconds).toBeLessThan(20)
    })
  })

  test('with thousands of slow patterns is dropped, and a note says so', async () => {
    const root = makeClone({ '.gitignore': `${'*a'.repeat(100)}Z\n`.repeat(4_000) })
    for (let index = 0; index < 300; index++) writeFileSync(join(root, `${'a'.repeat(200)}${index}`), leak)
    const answer = await answerFor(root, { env })
    expectHarmless(() => {
      expect(answer.findings).toHaveLength(300)
      expect(answer.notes.join('\n')).toMatch(/took too long to match, not used any further: 1/)
      expect(answer.run.seconds).toBeLessThan(20)
    })
  })
})

describe('a clone', () => {
  test.each([
    [
      'whose exclude file is a FIFO',
      (root: string) => {
        rmSync(join(root, '.git/info/exclude'), { force: true })
        mkfifo(join(root, '.git/info/exclude'))
      },
    ],
    [
      'whose exclude file is a link to /dev/zero',
      (root: string) => {
        rmSync(join(root, '.git/info/exclude'), { force: true })
        mkdirSync(join(root, '.git/info'), { recursive: true })
        symlinkSync('/dev/zero', join(root, '.git/info/exclude'))
      },
    ],
    [
      'whose core.excludesFile is a FIFO',
      (root: string) => {
        mkfifo(join(root, '.git/fifo'))
        git(root, 'config', 'core.excludesFile', join(root, '.git/fifo'))
      },
    ],
    [
      'whose core.excludesFile is /dev/zero',
      (root: string) => git(root, 'config', 'core.excludesFile', '/dev/zero'),
    ],
    ['whose work tree is elsewhere', (root: string) => git(root, 'config', 'core.worktree', '/')],
    [
      'whose .gitattributes, .mailmap and .gitmodules are FIFOs',
      (root: string) => {
        for (const name of ['.gitattributes', '.mailmap', '.gitmodules']) mkfifo(join(root, name))
      },
    ],
    [
      'whose .git is a FIFO',
      (root: string) => {
        rmSync(join(root, '.git'), { recursive: true })
        mkfifo(join(root, '.git'))
      },
    ],
    [
      'whose .git is a link to /dev/zero',
      (root: string) => {
        rmSync(join(root, '.git'), { recursive: true })
        symlinkSync('/dev/zero', join(root, '.git'))
      },
    ],
    [
      'whose index is garbage',
      (root: string) => writeFileSync(join(root, '.git/index'), 'garbage'.repeat(1_000)),
    ],
  ])('%s is still audited', async (_, spoil) => {
    const root = makeClone({ 'a.sh': leak })
    spoil(root)
    const answer = await answerFor(root)
    expectHarmless(() => {
      expect(names(answer)).toEqual(['a.sh'])
      expect(answer.run.seconds).toBeLessThan(20)
      expect(answer.run.peak).toBeLessThan(300)
    })
  })

  test('whose own files make git wait forever is audited without git', async () => {
    const root = makeClone({ 'a.sh': leak })
    rmSync(join(root, '.git/HEAD'))
    mkfifo(join(root, '.git/HEAD'))
    const [current, history] = await Promise.all([answerFor(root), answerFor(root, { args: ['--history'] })])
    expectHarmless(() => {
      expect(names(current)).toEqual(['a.sh'])
      expect(current.run.seconds).toBeLessThan(60)
      expect([names(history), history.incomplete, history.run.status]).toEqual([['a.sh'], true, 6])
    })
  }, 60_000)

  test('starts no program from its configuration, its hooks or the PATH', async () => {
    const root = makeClone({ 'a.sh': leak })
    const program = join(root, 'program')
    writeFileSync(program, `#!/bin/sh\ntouch '${root}/started'\nexit 1\n`, { mode: 0o755 })
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'one')
    for (const key of [
      'core.fsmonitor',
      'diff.external',
      'gpg.program',
      'core.pager',
      'pager.log',
      'core.sshCommand',
      'diff.a.textconv',
      'diff.a.command',
      'filter.a.clean',
      'filter.a.process',
    ]) {
      git(root, 'config', key, program)
    }
    git(root, 'config', 'log.showSignature', 'true')
    writeTree(root, { '.git/info/attributes': '* diff=a filter=a\n' })
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'post-checkout'])
      writeFileSync(join(root, '.git/hooks', hook), readFileSync(program), { mode: 0o755 })
    writeFileSync(join(root, 'git'), readFileSync(program), { mode: 0o755 })
    const answer = await answerFor(root, { args: ['--history'], env: { PATH: `.::${pathWithoutProject}` } })
    expectHarmless(() => {
      expect(names(answer)).toEqual(['a.sh'])
      expect(existsSync(join(root, 'started'))).toBe(false)
    })
  })

  test('does not lead outside through a directory that became a link', async () => {
    const outside = makeTree({ 'secret.sh': leak })
    const root = makeClone({ 'sub/secret.sh': 'x\n', 'a.sh': leak })
    git(root, 'add', '.')
    rmSync(join(root, 'sub'), { recursive: true })
    symlinkSync(outside, join(root, 'sub'))
    const answer = await answerFor(root)
    expectHarmless(() => expect(names(answer)).toEqual(['a.sh']))
  })

  test('is audited with git even if the environment would break git', async () => {
    const root = makeClone({ '.gitignore': 'kept.sh\n', 'kept.sh': leak })
    git(root, 'add', '--force', '.')
    const answer = await answerFor(root, {
      env: { GIT_CONFIG_COUNT: '3', GIT_DIR: '/nonexistent', GIT_INDEX_FILE: '/dev/zero', GIT_TRACE: '1' },
    })
    expectHarmless(() => expect(names(answer)).toEqual(['kept.sh']))
  })
})

describe('a .gitignore of another user', { tags: ['root'] }, () => {
  const other = 12_345

  function foreign(files: Readonly<Record<string, string>>): string {
    const root = makeTree(files)
    git(root, 'init', '--quiet')
    for (const path of ['.git', ...Object.keys(files)]) chownSync(join(root, path), other, other)
    return root
  }

  test.each([
    ['with git', {}],
    ['without git', { PATH: '/nonexistent' }],
  ])('above the audited directory hides nothing, %s', async (_, env) => {
    const root = foreign({ '.gitignore': '*\n' })
    writeTree(root, { 'ours/a.sh': leak })
    const answer = await answerFor(join(root, 'ours'), { env })
    expectHarmless(() => {
      expect(names(answer)).toEqual(['a.sh'])
      expect(answer.notes.join('\n')).toMatch(/Clones of other users above this directory/)
    })
  })

  test('in a directory of the current user hides nothing', async () => {
    const root = foreign({ '.gitignore': '*\n' })
    writeTree(root, { 'a.sh': leak })
    const answer = await answerFor(root)
    expectHarmless(() => {
      expect(names(answer)).toEqual(['a.sh'])
      expect(answer.notes.join('\n')).toMatch(/\.gitignore files of other users, not used: 1/)
    })
  })

  test('in a directory of that user is used', async () => {
    const root = makeTree({ '.gitignore': '*.log\n', 'a.log': leak, 'a.sh': leak })
    for (const path of ['', '.gitignore']) chownSync(join(root, path), other, other)
    expect(names(await answerFor(root))).toEqual(['a.sh'])
  })
})

describe('a tree without files to scan', () => {
  test.each(formats)('causes a warning in %s', async (format) => {
    const root = makeTree({ '.gitignore': '*\n', 'a.sh': leak })
    const { stdout, stderr, status } = await audit(root, { args: ['--format', format] })
    expectHarmless(() => {
      expect(stderr).toMatch(/^warning: No files were scanned\./)
      if (format !== 'gitlab') expect(stdout).toContain('No files were scanned.')
      expect(status).toBe(0)
    })
  })
})

describe('a flood of findings', () => {
  test('in one file is cut, and all other findings are reported', async () => {
    const root = makeTree({
      'a-line': '$BITBUCKET_APP_PASSWORD '.repeat(130_000),
      'b-lines': leak.repeat(130_000),
      // A finding of another rule after the flood, and one more file.
      'c-both': `${leak.repeat(130_000)}curl https://api.bitbucket.org/2.0/user/permissions/workspaces\n`,
      'd.sh': leak,
    })
    for (const format of formats) {
      const run = await audit(root, { args: ['--format', format] })
      expectHarmless(() => {
        expect(run.status).toBe(1)
        if (format !== 'gitlab') expect(run.stderr).toBe('')
        expect(run.peak).toBeLessThan(300)
        expect(run.stdout).toContain('d.sh')
        expect(run.stdout).toContain('removed-endpoint')
      })
    }
    const { findings, unlisted, notes } = await answerFor(root)
    const listed = (path: string) => findings.filter((finding) => finding.path === path).length
    expect(['a-line', 'b-lines', 'c-both', 'd.sh'].map(listed)).toEqual([1_000, 1_000, 1_001, 1])
    expect(unlisted).toBe(3 * 129_000)
    expect(notes.join('\n')).toContain(
      'Files with more findings than are listed: 3 (a-line, b-lines, c-both)',
    )
  }, 120_000)

  test('of ignored findings does not hide a real one', async () => {
    const root = makeTree({ a: `${`${leak.trim()} # bitbucket-token-audit: ignore\n`.repeat(5_000)}${leak}` })
    const { findings, run } = await answerFor(root)
    expectHarmless(() => expect([findings.length, run.status]).toEqual([1, 1]))
  })

  test('in the history is cut', async () => {
    const root = makeClone({
      a: `${Array.from({ length: 30_000 }, (_, i) => `$BITBUCKET_APP${i % 7}_PASSWORD $BITBUCKET_APP_PASSWORD`).join('\n')}\n`,
    })
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'one')
    git(root, 'rm', '--quiet', 'a')
    git(root, 'commit', '--quiet', '--message', 'two')
    const { run, incomplete } = await answerFor(root, { args: ['--history'] })
    expectHarmless(() => expect([run.status, incomplete, run.peak < 300]).toEqual([1, false, true]))
  })
})

test('devices, FIFOs, sockets, circular links, a gigabyte and deep directories are skipped', async () => {
  const root = makeTree({ 'a.sh': leak })
  symlinkSync('/dev/zero', join(root, 'zero'))
  symlinkSync('/dev/random', join(root, 'random.sh'))
  symlinkSync('.', join(root, 'circle'))
  symlinkSync('loop', join(root, 'loop'))
  mkfifo(join(root, 'fifo'))
  writeFileSync(join(root, 'huge'), '')
  truncateSync(join(root, 'huge'), 2 ** 30)
  const socket = createServer().listen(join(root, 's'))
  onTestFinished(() => void socket.close())
  // The deepest path is longer than the system allows.
  execFileSync(
    'sh',
    [
      '-c',
      'i=0; while [ $i -lt 30 ]; do d=$(printf %0200d $i); mkdir $d; cd -P $d || exit; i=$((i+1)); done',
    ],
    {
      cwd: root,
    },
  )
  if (isRoot) {
    try {
      execFileSync('mknod', [join(root, 'device'), 'c', '1', '5'], { stdio: 'ignore' })
    } catch {
      // Some systems do not allow root to do that.
    }
  }
  for (const env of [{}, { PATH: '/nonexistent' }]) {
    const answer = await answerFor(root, { env })
    expectHarmless(() => {
      expect(names(answer)).toEqual(['a.sh'])
      expect(answer.notes.join('\n')).toMatch(/Links, not followed: 4\./)
      expect(answer.notes.join('\n')).toMatch(/larger than 10 MiB, not scanned: 1 \(huge\)/)
      expect(answer.notes.join('\n')).toMatch(/Directories that cannot be read: 1/)
      expect([answer.run.seconds < 20, answer.run.peak < 300]).toEqual([true, true])
    })
  }
  // Node cannot remove a tree this deep.
  remove(root)
})

describe('exits 6 and reports what it found', () => {
  test.each(formats)('if the history is damaged, in %s', async (format) => {
    const root = makeClone({ 'old.sh': leak })
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'one')
    const blob = git(root, 'rev-parse', 'HEAD:old.sh').trim()
    git(root, 'rm', '--quiet', 'old.sh')
    writeTree(root, { 'new.sh': `export ${leak}` })
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'two')
    const object = join(root, '.git/objects', blob.slice(0, 2), blob.slice(2))
    chmodSync(object, 0o644)
    writeFileSync(object, 'garbage')
    const { stdout, stderr, status } = await audit(root, { args: ['--history', '--format', format] })
    expectHarmless(() => {
      expect([status, stderr]).toEqual([
        6,
        expect.stringMatching(/^error: 1 object of the history cannot be read/),
      ])
      expect(stdout).toContain('new.sh')
      if (format === 'json') expect(JSON.parse(stdout)).toMatchObject({ incomplete: true })
      if (format === 'sarif') {
        expect(JSON.parse(stdout).runs[0].invocations[0]).toMatchObject({
          executionSuccessful: false,
          toolExecutionNotifications: [
            { level: 'error', message: { text: expect.stringMatching(/^1 object/) } },
          ],
        })
      }
      if (format === 'text') expect(stdout).toMatch(/Incomplete: 1 object/)
    })
  })

  test('if git fails in the middle of the history', async () => {
    const root = makeClone({ 'old.sh': leak, 'random.txt': '' })
    writeFileSync(join(root, 'random.txt'), randomBytes(50_000).toString('hex'))
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '--message', 'one')
    const blob = git(root, 'rev-parse', 'HEAD:random.txt').trim()
    const object = join(root, '.git/objects', blob.slice(0, 2), blob.slice(2))
    chmodSync(object, 0o644)
    // git can still read its size, but not its content.
    writeFileSync(object, readFileSync(object).subarray(0, 20_000))
    const answer = await answerFor(root, { args: ['--history'] })
    expectHarmless(() => {
      expect([names(answer), answer.incomplete, answer.run.status]).toEqual([['old.sh'], true, 6])
      expect(answer.run.stderr).toMatch(/^error: git failed before the end of the history/)
    })
  })

  test('if its report cannot be written', async () => {
    const root = makeTree({ 'a.sh': leak })
    const line = `"${process.execPath}" "${bundle}" audit . >/dev/full`
    const child = spawn('sh', ['-c', line], {
      cwd: root,
      env: gitEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const status = await new Promise((resolve) => child.once('close', resolve))
    expectHarmless(() =>
      expect([status, stderr]).toEqual([
        6,
        expect.stringMatching(/^error: The audit failed: stdout could not be written: ENOSPC/),
      ]),
    )
  })
})

describe('git writes too much', () => {
  test.each([
    ['lines without end', 'exec yes'],
    ['a line without end', "exec tr '\\0' x </dev/zero"],
    ['zeros without end', 'exec cat /dev/zero'],
    ['names of files without end', `case "$*" in (*ls-files*) yes | tr '\\n' '\\0' ;; (*) pwd; pwd ;; esac`],
  ])('%s: scans the tree without it', async (_, script) => {
    const root = makeTree({ 'a.sh': leak, 'bin/git': `#!/bin/sh\n${script}\n` })
    chmodSync(join(root, 'bin/git'), 0o755)
    const run = await audit(root, { env: { PATH: `${join(root, 'bin')}:${pathWithoutProject}` } })
    expectHarmless(() => {
      expect(run.status).toBe(1)
      expect(run.stdout).toContain('a.sh')
      expect(run.peak).toBeLessThan(300)
      expect(run.seconds).toBeLessThan(20)
    })
  })
})

describe('a signal stops it within a second', () => {
  /** In milliseconds. A second, and extra time for a busy machine. */
  const limit = 3_000

  async function stopped(
    root: string,
    start: Start,
    when: (child: ReturnType<typeof spawn>, stop: () => void) => void,
  ) {
    let stoppedAt = 0
    const run = await audit(root, {
      ...start,
      onStart(child) {
        start.onStart?.(child)
        when(child, () => {
          stoppedAt = performance.now()
          child.kill('SIGTERM')
        })
      },
    })
    return { run, took: performance.now() - stoppedAt }
  }

  test.each([
    ['git writes nothing', '#!/bin/sh\nexec sleep 600\n', []],
    ['a program that git has started writes nothing', '#!/bin/sh\nsleep 600\n', []],
    ['git ignores signals', '#!/bin/sh\ntrap "" TERM INT\nsleep 600 & wait\nsleep 600\n', ['--history']],
    ['git keeps writing', '#!/bin/sh\nwhile echo x; do sleep 0.01; done\n', []],
  ])('while %s', async (_, script, args) => {
    const root = makeTree({ 'a.sh': leak, 'bin/git': script })
    chmodSync(join(root, 'bin/git'), 0o755)
    const env = { PATH: `${join(root, 'bin')}:${pathWithoutProject}` }
    const { run, took } = await stopped(root, { args, env }, (child, stop) => {
      // Waits until git runs.
      const watch = setInterval(() => {
        if (readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8') === '') return
        clearInterval(watch)
        stop()
      }, 5)
      child.once('close', () => clearInterval(watch))
    })
    expectHarmless(() => {
      expect([run.status, run.stdout]).toEqual([143, ''])
      expect(run.stderr).toContain('A signal stopped the run')
      expect(took).toBeLessThan(limit)
      expect(run.peak).toBeLessThan(300)
    })
    // Kills everything that this test started.
    execFileSync(
      'sh',
      [
        '-c',
        `for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -q '^PATH=${join(root, 'bin')}:' && kill -9 \${p#/proc/}; done; true`,
      ],
      { stdio: 'ignore' },
    )
  })

  test.each([
    ['a file is full of incomplete URLs', 'https://api.bitbucket.org/'],
    ['a file is full of findings', leak],
    ['a file is one long line of findings', '$BITBUCKET_APP_PASSWORD '],
  ])('while %s', async (_, piece) => {
    const root = makeTree()
    const text = piece.repeat(Math.floor((10 * 1024 * 1024 - 1) / piece.length))
    for (let index = 0; index < 20; index++) writeFileSync(join(root, `${index}`), text)
    const { run, took } = await stopped(root, { env: { PATH: '/nonexistent' } }, (_, stop) => {
      setTimeout(stop, 700)
    })
    expectHarmless(() => {
      expect(run.status).toBe(143)
      expect(took).toBeLessThan(limit)
      expect(run.peak).toBeLessThan(300)
    })
  })

  test('while nobody reads its report', async () => {
    const root = makeTree(
      Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}`, leak.repeat(1_000)])),
    )
    const { run, took } = await stopped(root, { args: ['--format', 'json'] }, (child, stop) => {
      child.stdout?.once('data', () => {
        child.stdout?.pause()
        setTimeout(stop, 200)
        child.once('exit', () => child.stdout?.resume())
      })
    })
    expectHarmless(() => {
      expect(run.status).toBe(143)
      expect(took).toBeLessThan(limit)
    })
  })
})

/** Removes a large tree during the test, because hooks have a short time limit. */
const remove = (root: string) => execFileSync('rm', ['-rf', root])

// These take minutes. Without HOSTILE=all they are not even listed as skipped.
if (process.env['HOSTILE'] === 'all')
  describe('a large tree', () => {
    test('with 100,000 files, 10^6 findings, a gigabyte, devices and deep patterns needs bounded memory and time', async () => {
      const root = makeTree({ '.gitignore': `${'a/**/'.repeat(12)}\n${'*a'.repeat(60)}b\n` })
      for (let directory = 0; directory < 100; directory++) {
        mkdirSync(join(root, `d${directory}`))
        for (let file = 0; file < 1_000; file++)
          writeFileSync(join(root, `d${directory}/f${file}`), leak.repeat(10))
      }
      writeFileSync(join(root, 'huge'), '')
      truncateSync(join(root, 'huge'), 2 ** 30)
      symlinkSync('/dev/zero', join(root, 'zero'))
      mkfifo(join(root, 'fifo'))
      for (const format of formats) {
        const run = await audit(root, { args: ['--format', format] })
        console.log(
          `${format}: ${Math.round(run.peak)} MiB, ${run.seconds.toFixed(1)} s, ${run.stdout.length} characters`,
        )
        expectHarmless(() => {
          expect([run.status, run.stderr]).toEqual([1, ''])
          expect(run.peak).toBeLessThan(300)
          expect(run.seconds).toBeLessThan(600)
          expect(run.stdout).toContain('d99/f999')
        })
      }
      remove(root)
    }, 900_000)

    test('with a million files in one directory, and 200,000 directories, needs bounded memory', async () => {
      const root = makeTree({ 'z.sh': leak })
      execFileSync('sh', ['-c', 'seq 1 1000000 | xargs touch; mkdir d; cd d; seq 1 200000 | xargs mkdir'], {
        cwd: root,
      })
      const { findings, run } = await answerFor(root)
      console.log(`many: ${Math.round(run.peak)} MiB, ${run.seconds.toFixed(1)} s`)
      expectHarmless(() => {
        expect(findings).toHaveLength(1)
        expect(run.peak).toBeLessThan(300)
      })
      remove(root)
    }, 900_000)
  })
