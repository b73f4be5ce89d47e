/** @module-tag git */
import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'
import { bundle, pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { git, gitEnvironment, modesIn, runPipe, runShell } from './support/shell.ts'

const execute = promisify(execFile)

const isRoot = process.geteuid?.() === 0
/** An unprivileged user, and a module that makes the program run as that user. */
const other = 1000
const asOther = `data:text/javascript,process.setgroups([]);process.setgid(${other});process.setuid(${other})`

/** Makes a tree whose working directory belongs to the other user. */
function othersTree(): string {
  const tree = makeTree()
  chmodSync(tree, 0o755)
  mkdirSync(join(tree, 'work'))
  chownSync(join(tree, 'work'), other, other)
  return tree
}

async function start() {
  const bitbucket = await startBitbucket()
  return { bitbucket, inputs: inputsFor.consumer(bitbucket) }
}

describe('programs that pack or commit the directory around the secret files leave them out', () => {
  async function acquired(files: Readonly<Record<string, string>>, directory = 'work') {
    const tree = makeTree()
    mkdirSync(join(tree, directory), { recursive: true })
    await git(tree, {}, 'init', '--quiet', 'work')
    for (const [name, text] of Object.entries(files)) writeFileSync(join(tree, directory, name), text)
    const { status, cwd } = await runShell({ ...(await start()), tree, directory })
    expect(status).toBe(0)
    return { tree, cwd }
  }

  test.each([
    ['', {}],
    ['files: ["**"]', { files: ['**'] }],
    ['files: [".bitbucket-token"]', { files: ['.bitbucket-token', '.'] }],
  ])('npm pack, with %s in package.json', async (_, more) => {
    const manifest = JSON.stringify({ name: 'lib', version: '1.0.0', ...more })
    const { cwd } = await acquired({ 'package.json': manifest, 'index.js': '', '.npmignore': '!**' })
    const { stdout } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd,
      env: { PATH: pathWithoutProject, HOME: cwd, npm_config_update_notifier: 'false' },
    })
    expect(stdout).toContain('package.json')
    expect(stdout).not.toContain('.bitbucket-token')
  })

  test('git add, with a .gitignore that allows everything', async () => {
    const { cwd } = await acquired({ '.gitignore': '*\n!.bitbucket-token/**\n!**\n' })
    await git(cwd, {}, 'add', '--all')
    expect(await git(cwd, {}, 'ls-files')).toBe('.gitignore\n')
  })

  test('git add, if a container wrote the files without seeing the repository', async () => {
    const { tree, cwd } = await acquired({}, 'elsewhere')
    cpSync(join(cwd, '.bitbucket-token'), join(tree, 'work/deep/.bitbucket-token'), { recursive: true })
    await git(join(tree, 'work'), {}, 'add', '--all')
    expect(await git(join(tree, 'work'), {}, 'ls-files')).toBe('')
  })

  test('the program writes nothing to .git', async ({ tree }) => {
    await git(tree, {}, 'init', '--quiet', 'work')
    const before = execFileSync('find', [join(tree, 'work/.git'), '-printf', '%p %T@ %s\n']).toString()
    await runShell({ ...(await start()), tree })
    expect(execFileSync('find', [join(tree, 'work/.git'), '-printf', '%p %T@ %s\n']).toString()).toBe(before)
  })
})

describe('a run that fails', () => {
  test.each([
    ['is refused', 3, { 'client-secret': 'not-the-client-secret' }, {}],
    ['has a bad input', 2, { grant: 'nonsense' }, {}],
    ['has no credential', 2, { 'client-id': '', 'client-secret': '' }, {}],
    ['reaches no server', 5, { url: 'http://127.0.0.1:9', retries: '0' }, {}],
  ])('because it %s removes the token of the run before', async (_, status, bad, env) => {
    const { bitbucket, inputs } = await start()
    const first = await runShell({ bitbucket, inputs })
    writeFileSync(join(first.cwd, '.bitbucket-token/.new-half'), 'written')
    const second = await runShell({ bitbucket, tree: first.tree, inputs: { ...inputs, ...bad }, env })
    expect(second.status).toBe(status)
    expect(readdirSync(first.cwd)).toEqual([])
  })

  test('keeps a new refresh token, because it may be the only copy', async ({ bitbucket }) => {
    const first = await runShell({ bitbucket, inputs: inputsFor.refreshToken(bitbucket) })
    const directory = join(first.cwd, '.bitbucket-token')
    const kept = readFileSync(join(directory, 'refresh-token'), 'utf8')
    const second = await runShell({ bitbucket, tree: first.tree, inputs: { grant: 'nonsense' } })
    expect(second.status).toBe(2)
    expect(readdirSync(directory)).toEqual(['.gitignore', 'refresh-token'])
    expect(readFileSync(join(directory, 'refresh-token'), 'utf8')).toBe(kept)
  })

  test('because the directory holds another file removes the old token', async () => {
    const { bitbucket, inputs } = await start()
    const first = await runShell({ bitbucket, inputs })
    writeFileSync(join(first.cwd, '.bitbucket-token/notes'), 'mine')
    const second = await runShell({ bitbucket, tree: first.tree, inputs })
    expect(second.status).toBe(2)
    expect(second.requests).toEqual([])
    expect(readdirSync(join(first.cwd, '.bitbucket-token'))).toEqual(['.gitignore', 'notes'])
  })

  test.each([['print'], ['check'], ['--dry-run']])('%s removes nothing', async (...args) => {
    const { bitbucket, inputs } = await start()
    const first = await runShell({ bitbucket, inputs })
    await runShell({ bitbucket, tree: first.tree, inputs, args, showsSecret: true })
    await runShell({ bitbucket, tree: first.tree, inputs: { grant: 'nonsense' }, args })
    expect(Object.keys(modesIn(join(first.cwd, '.bitbucket-token')))).toHaveLength(4)
  })
})

describe('a file that git tracks in the directory', () => {
  test.each(['env.sh', 'git-credentials', 'refresh-token', '.gitignore', 'sub/file'])(
    'exits 2 without a request: %s',
    async (name) => {
      const { bitbucket, inputs } = await start()
      const tree = makeTree()
      const work = join(tree, 'work')
      await git(tree, {}, 'init', '--quiet', 'work')
      const file = join(work, '.bitbucket-token', name)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, name === '.gitignore' ? '*\n' : 'tracked')
      await git(work, {}, 'add', '--force', file)
      if (name === 'sub/file') execFileSync('rm', ['-r', join(work, '.bitbucket-token')])
      const run = await runShell({ bitbucket, inputs, tree })
      expect([run.status, run.requests]).toEqual([2, []])
      expect(run.stderr).toContain(`git tracks ${file}`)
      expect(run.stderr).toContain(`git rm -r --cached '${join(work, '.bitbucket-token')}'`)
      expect(await git(work, {}, 'diff', '--name-only')).toBe(
        name === 'sub/file' ? '.bitbucket-token/sub/file\n' : '',
      )
      // The command of the message fixes it.
      await git(work, {}, 'rm', '-r', '--quiet', '--cached', '.bitbucket-token')
      if (existsSync(file)) execFileSync('rm', [file])
      expect((await runShell({ bitbucket, inputs, tree })).status).toBe(0)
    },
  )
})

describe('a hostile .git in a parent directory', () => {
  test.each(['.git', 'HEAD', 'index', 'info/exclude'])(
    'with a FIFO or an endless device as %s changes nothing',
    async (name) => {
      for (const kind of ['fifo', 'device']) {
        const { bitbucket, inputs } = await start()
        const tree = makeTree()
        const path = name === '.git' ? join(tree, '.git') : join(tree, '.git', name)
        mkdirSync(join(path, '..'), { recursive: true })
        if (kind === 'fifo') execFileSync('mkfifo', [path])
        else symlinkSync('/dev/zero', path)
        const run = await runShell({ bitbucket, inputs, tree })
        expect([run.status, run.stderr.includes('warning')]).toEqual([0, false])
      }
    },
  )

  test('with a link to another file does not change that file', async ({ tree }) => {
    const { bitbucket, inputs } = await start()
    const victim = join(tree, 'victim')
    writeFileSync(victim, 'as it was')
    mkdirSync(join(tree, '.git/info'), { recursive: true })
    symlinkSync(victim, join(tree, '.git/info/exclude'))
    if (isRoot) lchownSync(join(tree, '.git'), other, other)
    expect((await runShell({ bitbucket, inputs, tree })).status).toBe(0)
    expect(readFileSync(victim, 'utf8')).toBe('as it was')
  })
})

describe('root in the clone of another user', { tags: ['other-user'] }, () => {
  test('writes files that this user can use, and both can run it again', async () => {
    const { bitbucket, inputs } = await start()
    const tree = othersTree()
    for (const preload of [undefined, asOther, undefined]) {
      const acquired = await runShell({
        bitbucket,
        inputs,
        tree,
        ...(preload === undefined ? {} : { preload }),
      })
      expect([acquired.status, acquired.stderr.includes('warning')]).toEqual([0, false])
      const directory = join(acquired.cwd, '.bitbucket-token')
      for (const name of ['.', '.gitignore', 'env.sh', 'git-credentials']) {
        expect(lstatSync(join(directory, name))).toMatchObject({ uid: other, gid: other })
      }
      expect(modesIn(directory)).toMatchObject({ '.': '0700', 'env.sh': '0600', 'git-credentials': '0600' })
      const script = '. ./.bitbucket-token/env.sh; cat "$BITBUCKET_GIT_CREDENTIALS_FILE" | wc -l'
      const { stdout } = await execute('sh', ['-ec', script], {
        cwd: acquired.cwd,
        env: gitEnvironment,
        uid: other,
        gid: other,
      })
      expect(stdout.trim()).toBe('1')
    }
    expect((await runShell({ bitbucket, tree, args: ['cleanup'] })).status).toBe(0)
    expect(readdirSync(join(tree, 'work'))).toEqual([])
  })

  test('writes files of this user in a pipe too', async ({ tree }) => {
    const { bitbucket, inputs } = await start()
    chmodSync(tree, 0o755)
    mkdirSync(join(tree, 'clone'))
    chownSync(join(tree, 'clone'), other, other)
    expect((await runPipe({ bitbucket, inputs, tree })).status).toBe(0)
    expect(lstatSync(join(tree, 'clone/.bitbucket-token/env.sh'))).toMatchObject({ uid: other })
  })

  test('removes what a failed run wrote as that user, and keeps the refresh token for that user', async ({
    bitbucket,
  }) => {
    const tree = othersTree()
    const inputs = { ...inputsFor.refreshToken(bitbucket), scopes: 'webhook' }
    expect((await runShell({ bitbucket, inputs, tree })).status).toBe(4)
    const directory = join(tree, 'work/.bitbucket-token')
    expect(readdirSync(directory)).toEqual(['.gitignore', 'refresh-token'])
    expect(lstatSync(join(directory, 'refresh-token'))).toMatchObject({ uid: other })
  })

  test.each(['acquire', 'cleanup'])(
    '%s says what to do if that user may not enter the directory',
    async (command) => {
      const { bitbucket, inputs } = await start()
      const tree = makeTree()
      mkdirSync(join(tree, 'work'), { mode: 0o700 })
      const run = await runShell({ bitbucket, inputs, tree, preload: asOther, args: [command] })
      expect([run.status, run.stderr, run.requests]).toEqual([
        1,
        expect.stringMatching(
          /^error: .*\.bitbucket-token c.*EACCES.*\nUse a directory that this user can /m,
        ),
        [],
      ])
    },
  )

  test('says what to do if root owns the directory and that user runs it', async () => {
    const { bitbucket, inputs } = await start()
    const tree = othersTree()
    mkdirSync(join(tree, 'work/.bitbucket-token'), { mode: 0o700 })
    const run = await runShell({ bitbucket, inputs, tree, preload: asOther })
    expect([run.status, run.requests]).toEqual([2, []])
    expect(run.stderr).toContain('belongs to another user (uid 0)')
    expect(run.stderr).toContain('Remove it as root, or set output-dir to another directory.')
  })
})

describe("another user's directory", { tags: ['root'] }, () => {
  test.each([
    ['0777', 0o777, 0],
    ['0700', 0o700, 0],
    ["0777, in that user's clone", 0o777, other],
    ["0755, in that user's clone", 0o755, other],
  ])('with mode %s is neither written nor cleaned', async (_, mode, above) => {
    const { bitbucket, inputs } = await start()
    const tree = makeTree()
    const theirs = join(tree, 'work/theirs')
    mkdirSync(theirs, { recursive: true })
    writeFileSync(join(theirs, 'env.sh'), 'theirs')
    chmodSync(theirs, mode)
    for (const path of [theirs, join(theirs, 'env.sh')]) chownSync(path, other, other)
    chownSync(join(tree, 'work'), above, above)
    for (const args of [[], ['cleanup'], ['cleanup', '--all']]) {
      const run = await runShell({ bitbucket, tree, args, inputs: { ...inputs, 'output-dir': 'theirs' } })
      expect([run.status, run.requests]).toEqual([2, []])
      expect(run.stderr).toContain(`${theirs} belongs to another user (uid ${other})`)
    }
    expect(readFileSync(join(theirs, 'env.sh'), 'utf8')).toBe('theirs')
    expect(lstatSync(theirs).mode & 0o777).toBe(mode)
  })

  test.each(['a directory in a place like /tmp', 'a link'])('gets no files below it: %s', async (kind) => {
    const { bitbucket, inputs } = await start()
    const tree = makeTree()
    const shared = join(tree, 'shared')
    mkdirSync(shared)
    chmodSync(shared, 0o1777)
    mkdirSync(join(tree, 'ours'))
    const theirs = join(shared, 'theirs')
    if (kind === 'a link') symlinkSync(join(tree, 'ours'), theirs)
    else mkdirSync(theirs)
    lchownSync(theirs, other, other)
    for (const args of [[], ['cleanup']]) {
      const run = await runShell({
        bitbucket,
        tree,
        args,
        inputs: { ...inputs, 'output-dir': join(theirs, 'x') },
      })
      // `cleanup` finds nothing to remove and makes nothing.
      expect([run.status, run.requests]).toEqual([args.length === 0 ? 2 : 0, []])
    }
    expect(readdirSync(join(tree, 'ours'))).toEqual([])
    expect(readdirSync(shared)).toEqual(['theirs'])
  })
})

describe('git-credential, if another user owns its directory in /tmp,', { tags: ['root'] }, () => {
  async function taken(env: Readonly<Record<string, string>>) {
    const { bitbucket, inputs } = await start()
    const tree = makeTree()
    // The cache may hold a token, so it is outside the tree, where the canary checks each file.
    const home = makeTree()
    const temporary = join(home, 'tmp')
    const theirs = join(temporary, 'bitbucket-token-cache-0')
    mkdirSync(theirs, { recursive: true })
    chmodSync(temporary, 0o1777)
    chownSync(theirs, other, other)
    const step = { bitbucket, inputs, tree, env: { TMPDIR: temporary, HOME: home, ...env } }
    const { host } = new URL(bitbucket.url)
    const get = () =>
      runShell({
        ...step,
        args: ['git-credential', 'get'],
        stdin: `protocol=http\nhost=${host}\n\n`,
        showsSecret: true,
      })
    return { get, step, home, theirs }
  }

  test("caches its token in this user's own cache directory, and cleanup finds it there", async () => {
    const { get, step, home, theirs } = await taken({})
    const [first, second] = [await get(), await get()]
    expect(first.stdout).toMatch(/^password=/m)
    expect([second.stdout, second.requests]).toEqual([first.stdout, []])
    expect(readdirSync(theirs)).toEqual([])
    const kept = join(home, '.cache/bitbucket-token-cache-0')
    expect(readdirSync(kept)).toHaveLength(1)
    const cleaned = await runShell({ ...step, args: ['cleanup'] })
    expect([cleaned.status, cleaned.stderr]).toEqual([0, expect.stringContaining(`Removed ${kept}`)])
    expect(existsSync(kept)).toBe(false)
  })

  test('says what to set if there is no such directory', async () => {
    const { get } = await taken({ HOME: '/dev/null' })
    const asked = await get()
    expect(asked.status).toBe(1)
    expect(asked.stderr).toContain('it belongs to another user (uid 1000)')
    expect(asked.stderr).toContain('Set XDG_RUNTIME_DIR to a directory that belongs to this user')
  })
})

/** Runs the program in its own namespaces, so that it finds itself to be process 1 of a container. */
const container = `
  mount -t tmpfs none /run
  touch /run/.containerenv
  if test "$1" = mounted; then mount --bind . . && cd "$PWD"; fi
  exec "$2" "$3"
`
const namespaces = ['--mount', '--pid', '--fork', '--mount-proc', 'sh', '-ec']

describe('docker run', { tags: ['unshare'] }, () => {
  async function dockerRun(how: 'mounted' | 'not mounted') {
    const { bitbucket } = await start()
    const tree = makeTree()
    const { stderr } = await execute(
      'unshare',
      [...namespaces, container, 'sh', how, process.execPath, bundle],
      {
        cwd: tree,
        env: { PATH: pathWithoutProject, ...variablesFor(bitbucket) },
      },
    )
    return { tree, stderr }
  }

  test('without a volume warns that the files vanish with the container, and does not mention env.sh', async () => {
    const { tree, stderr } = await dockerRun('not mounted')
    expect(stderr).toContain(`warning: ${tree}/.bitbucket-token is not on a mount`)
    expect(stderr).toContain('docker run --volume "$PWD:$PWD" --workdir "$PWD"')
    expect(stderr.match(/is not on a mount/g)).toHaveLength(1)
    expect(stderr).not.toContain('env.sh')
  })

  test('with a volume does not warn', async () => {
    const { tree, stderr } = await dockerRun('mounted')
    expect(stderr).not.toContain('warning')
    expect(stderr).toContain(`. '${tree}/.bitbucket-token/env.sh'`)
  })
})
