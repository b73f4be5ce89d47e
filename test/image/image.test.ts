import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Bitbucket, inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { silence } from '../e2e/support/faults.ts'
import { makeTree } from '../e2e/support/run.ts'
import { git, gitEnvironment, makeClone, modesIn, pipeVariables, shells } from '../e2e/support/shell.ts'
import { startWorkspaces, workIn } from '../e2e/support/workspaces.ts'
import { docker, image, runImage } from './support/container.ts'

const run = promisify(execFile)
const program = '/usr/local/bin/node /opt/bitbucket-token/dist/index.js'

const userId = process.getuid?.() ?? 0
/** Files that root writes in a container can be read and removed only by root outside. */
const asMyself = userId === 0 ? [] : [`--user=${userId}:${process.getgid?.()}`]

/** Runs the image in a step's clone as Pipelines starts a pipe (mathieu-lemay/pipeline-runner, `Pipe.as_cmd`). */
async function startPipe(bitbucket: Bitbucket) {
  const tree = makeTree()
  const clone = await makeClone(tree)
  return {
    bitbucket,
    tree,
    clone,
    env: pipeVariables(bitbucket, clone),
    options: [
      `--volume=${clone}:${clone}`,
      `--workdir=${clone}`,
      '--label=org.bitbucket.pipelines.system=true',
      ...asMyself,
    ],
  }
}

describe.skipIf(image === '')('the image', { tags: ['docker'] }, () => {
  test.each([
    ['as a pipe', undefined],
    ['with a umask of 000', ['/bin/sh', '-c', `umask 000; exec ${program}`] as const],
  ])('works %s, and the rest of the step can use the results', async (_, command) => {
    const bitbucket = await startBitbucket()
    const { clone, ...pipe } = await startPipe(bitbucket)
    const acquired = await runImage({
      ...pipe,
      inputs: inputsFor.consumer(bitbucket),
      ...(command !== undefined && { command }),
    })
    expect([acquired.stdout, acquired.status]).toEqual(['', 0])
    expect(acquired.changes).toEqual([])
    expect(modesIn(join(clone, '.bitbucket-token'))).toEqual({
      '.': '0700',
      '.gitignore': '0600',
      'env.sh': '0600',
      'git-credentials': '0600',
    })
    expect(await git(clone, {}, 'status', '--porcelain')).toBe('')

    const step = `
      set -eu
      . .bitbucket-token/env.sh
      curl --fail --silent --show-error --header "Authorization: $BITBUCKET_AUTHORIZATION" "$API/2.0/user"
      git -c credential.helper="store --file '$BITBUCKET_GIT_CREDENTIALS_FILE'" clone --quiet "$URL" by-file
      git clone --quiet "$URL" by-configuration`
    const { stdout } = await run('sh', ['-c', step], { cwd: clone, env: jobEnvironment(bitbucket) })
    expect(JSON.parse(stdout)).toMatchObject({ type: 'app_user' })
    for (const by of ['by-file', 'by-configuration']) {
      expect(readFileSync(join(clone, by, 'README.md'), 'utf8')).toContain('# hello')
    }
  })

  test('works for two workspaces on one host at the same time, with git and LFS', {
    tags: ['dash', 'git-lfs'],
  }, async () => {
    const [acme, beta] = [await startBitbucket(), await startBitbucket()]
    const host = await startWorkspaces({ 'acme/website': acme, 'beta/app': beta })
    const tree = makeTree()
    for (const [path, bitbucket] of [['acme', acme] as const, ['beta/app', beta] as const]) {
      const acquired = await runImage({
        bitbucket,
        tree,
        inputs: {
          ...inputsFor.accessToken(bitbucket),
          url: host.url,
          'git-path': path,
          'output-dir': join(tree, path.replace('/', '-')),
        },
        options: [`--volume=${tree}:${tree}`, `--workdir=${tree}`, ...asMyself],
      })
      expect([acquired.stdout, acquired.status]).toEqual(['', 0])
    }
    const output = await shells.dash('. "$1/acme/env.sh"; . "$1/beta-app/env.sh"; env -0', [tree], {})
    const pairs = output.split('\0').filter(Boolean)
    const env = Object.fromEntries(
      pairs.map((pair) => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
    )
    const directory = join(tree, 'work')
    mkdirSync(directory)
    await workIn(`${host.url}/acme/website.git`, 'website', env, directory)
    await workIn(`${host.url}/beta/app.git`, 'app', env, directory)
  })

  test.each(['refreshToken', 'apiToken', 'accessToken'] as const)('works as a pipe with %s', async (kind) => {
    const bitbucket = await startBitbucket()
    const { clone: _, ...pipe } = await startPipe(bitbucket)
    const acquired = await runImage({ ...pipe, inputs: inputsFor[kind](bitbucket) })
    expect([acquired.stdout, acquired.status]).toEqual(['', 0])
  })

  test('works read-only, without capabilities, as a user without a name', async () => {
    const bitbucket = await startBitbucket()
    const tree = makeTree()
    const mounted = join(tree, 'mounted')
    mkdirSync(mounted)
    // Only root can change the owner of a directory; other users mount their own.
    const user = userId === 0 ? 12_345 : userId
    if (userId === 0) chownSync(mounted, user, user)
    const acquired = await runImage({
      bitbucket,
      tree,
      inputs: inputsFor.consumer(bitbucket),
      options: [
        '--read-only',
        '--cap-drop=ALL',
        '--security-opt=no-new-privileges',
        `--user=${user}:${user}`,
        `--volume=${mounted}:${mounted}`,
        `--workdir=${mounted}`,
      ],
    })
    expect([acquired.stdout, acquired.status]).toEqual(['', 0])
    expect(modesIn(join(mounted, '.bitbucket-token'))['.']).toBe('0700')
    expect(statSync(join(mounted, '.bitbucket-token/env.sh')).uid).toBe(user)
  })

  test('says where to write if it is read-only without a mount', async () => {
    const bitbucket = await startBitbucket()
    const failed = await runImage({
      bitbucket,
      tree: makeTree(),
      inputs: inputsFor.accessToken(bitbucket),
      options: ['--read-only'],
    })
    expect(failed.stderr).toContain('error: The private directory /.bitbucket-token could not be made: EROFS')
    expect(failed.stderr).toContain('docker run --user with a mounted directory of that user')
    expect(failed.status).toBe(1)
  })

  test('works as the image of a job whose steps are scripts', async () => {
    const bitbucket = await startBitbucket()
    const script = `
      set -eu
      cd /tmp
      bitbucket-token --repository "$REPOSITORY"
      . .bitbucket-token/env.sh
      test -n "$BITBUCKET_ACCESS_TOKEN"
      test -s /etc/ssl/certs/ca-certificates.crt
      bitbucket-token --version
      ! command -v npm
      ! command -v git`
    const job = await runImage({
      bitbucket,
      tree: makeTree(),
      inputs: inputsFor.consumer(bitbucket),
      env: { REPOSITORY: bitbucket.repository },
      command: ['', '/bin/sh', '-c', script],
    })
    expect(job.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(job.status).toBe(0)
  })

  test.each([
    [2, 'bad input', (_: Bitbucket) => ({ 'client-id': 'a-client-id' })],
    [
      3,
      'a refusal',
      (bitbucket: Bitbucket) => ({
        ...inputsFor.consumer(bitbucket),
        'client-secret': 'a-secret-that-is-certainly-wrong',
      }),
    ],
    [
      4,
      'a scope that is missing',
      (bitbucket: Bitbucket) => ({ ...inputsFor.consumer(bitbucket), scopes: 'webhook' }),
    ],
    [
      5,
      'a web page instead of an answer',
      (bitbucket: Bitbucket) => ({ ...inputsFor.consumer(bitbucket), url: `${bitbucket.url}/elsewhere` }),
    ],
  ])('exits with %i after %s', async (status, _, inputsOf) => {
    const bitbucket = await startBitbucket()
    const { clone, ...pipe } = await startPipe(bitbucket)
    const failed = await runImage({ ...pipe, inputs: inputsOf(bitbucket) })
    expect(failed.status).toBe(status)
    expect(failed.stdout).toBe('')
    expect(failed.stderr).toMatch(/^error: /m)
    expect(modesIn(join(clone, '.bitbucket-token'))).toEqual({})
  })

  test('stops on a signal, although the kernel has no default action for process 1', async () => {
    const bitbucket = await startBitbucket()
    const { clone: _, ...pipe } = await startPipe(bitbucket)
    let container = ''
    let told: Promise<string> | undefined
    bitbucket.script((req, res, answer) => {
      told = docker('kill', '--signal=TERM', container)
      silence(req, res, answer)
    })
    const stopped = await runImage({
      ...pipe,
      inputs: inputsFor.consumer(bitbucket),
      onStart: (name) => {
        container = name
      },
    })
    await told
    expect(stopped.stderr).toContain('error: A signal stopped the run before it finished.\n')
    expect(stopped.status).toBe(143)
  })

  test('has the settings that Pipelines and other CIs need', async () => {
    const [inspected] = JSON.parse(await docker('image', 'inspect', image)) as {
      Config: Readonly<Record<string, unknown>>
    }[]
    expect(inspected?.Config).toMatchObject({
      Entrypoint: program.split(' '),
      // A pipe must run as root to write to the clone.
      User: '',
    })
    expect(inspected?.Config).not.toHaveProperty('ExposedPorts')
    const bitbucket = await startBitbucket()
    const root = await runImage({
      bitbucket,
      tree: makeTree(),
      command: ['/bin/sh', '-c', 'ls /pipe.yml /README.md /LICENSE'],
    })
    expect(root.stdout).toBe('/LICENSE\n/README.md\n/pipe.yml\n')
  })

  test('has only the Dockerfile’s steps in its history', async () => {
    const history = await docker('history', '--no-trunc', '--format={{.CreatedBy}}', image)
    const env = JSON.parse(
      await docker('image', 'inspect', '--format={{json .Config.Env}}', image),
    ) as string[]
    expect(history).not.toMatch(/\b(ARG|ENV)\b.*(token|secret|password|key)=/i)
    expect(env.filter((line) => !line.startsWith('PATH='))).toEqual([])
  })
})

const jobEnvironment = (bitbucket: Bitbucket) => ({
  ...gitEnvironment,
  HOME: '/nonexistent',
  API: bitbucket.apiUrl,
  URL: `${bitbucket.url}/${bitbucket.repository}.git`,
})
