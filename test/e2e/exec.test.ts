import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hostNames } from '../../src/hosts/index.ts'
import { type Bitbucket, inputsFor, startBitbucket, variablesFor } from './support/bitbucket.ts'
import { filesBelow } from './support/canary.ts'
import { bundle, pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { gitEnvironment, runShell, type ShellStep, shells } from './support/shell.ts'

type Step = Omit<ShellStep, 'bitbucket' | 'args'> & { readonly flags?: readonly string[] }

/** Runs `exec` in a plain shell. The canary checks that its command gets no secret but the credential. */
async function runExec(bitbucket: Bitbucket, command: readonly string[], { flags = [], ...step }: Step = {}) {
  return runShell({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    givesToCommand: true,
    ...step,
    args: ['exec', ...flags, '--', ...command],
  })
}

const script = (text: string) => ['sh', '-c', text] as const

test.each(hostNames)(
  'on %s, the command gets the credential and no other secret, and no file is written',
  async (ci) => {
    const bitbucket = await startBitbucket()
    const secret = bitbucket.credentials.clientSecret
    const run = await runExec(bitbucket, script('env; exit 7'), {
      showsSecret: true,
      flags: ['--no-redact'],
      inputs: {
        ...inputsFor.consumer(bitbucket),
        ci,
        'github-token': 'ghp_0123456789abcdef0123',
        'git-path': 'acme',
      },
      env: {
        BITBUCKET_ACCESS_TOKEN: 'left-by-an-earlier-run-0123456789',
        BITBUCKET_GIT_CREDENTIALS_FILE: '/left/by/an/earlier/run',
        PLUGIN_CLIENT_SECRET: secret,
        'INPUT_CLIENT-SECRET': secret,
        MY_SECRET: secret,
        ALL_SECRETS: JSON.stringify({ oauth: secret }),
        GITHUB_TOKEN: 'ghp_0123456789abcdef0123',
        KEPT: 'as it is',
      },
    })
    const variables = new Map(
      run.stdout.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]),
    )
    expect(run.status).toBe(7)
    expect(secretsIn(run.stdout, bitbucket.secrets)).toEqual(['issued access token'])
    expect(variables.get('KEPT')).toBe('as it is')
    expect(variables.get('BITBUCKET_AUTHORIZATION')).toBe(`Bearer ${variables.get('BITBUCKET_ACCESS_TOKEN')}`)
    expect(
      [...variables.keys()].filter((name) => /CLIENT|SECRET|GITHUB_TOKEN|CREDENTIALS_FILE/.test(name)),
    ).toEqual([])
    expect(run.stderr).toMatch(/does not get (?=.*MY_SECRET)(?=.*ALL_SECRETS).*GITHUB_TOKEN/)
    expect(filesBelow(run.tree)).toEqual([])
  },
)

test.each([
  ['github', '::add-mask::'],
  ['azure', '##vso[task.setsecret]'],
])('on %s, masks go to stderr, because stdout belongs to the command', async (ci, mask) => {
  const bitbucket = await startBitbucket()
  const inputs = { ...inputsFor.consumer(bitbucket), ci }
  const { stdout, stderr } = await runExec(bitbucket, script('echo data'), { inputs })
  expect([stdout, stderr.includes(mask)]).toEqual(['data\n', true])
})

test.each([
  ['an API token', inputsFor.apiToken, 'api token'],
  ['an access token', inputsFor.accessToken, 'access token'],
])('%s goes to the command only as BITBUCKET_ACCESS_TOKEN and what git reads', async (_, inputs, name) => {
  const bitbucket = await startBitbucket()
  const given = inputs(bitbucket)
  const token = given['api-token'] ?? given['access-token']
  const run = await runExec(bitbucket, script('env'), {
    showsSecret: true,
    flags: ['--no-redact'],
    inputs: given,
    env: { MY_TOKEN: `${token}` },
  })
  const holders = run.stdout.split('\n').filter((line) => secretsIn(line, bitbucket.secrets).includes(name))
  expect(holders.map((line) => line.replace(/=.*/, '').replace(/_(HTTP_)?127.*/, '')).sort()).toEqual([
    'BITBUCKET_ACCESS_TOKEN',
    'BITBUCKET_AUTHORIZATION',
    'BITBUCKET_GIT_PASSWORD',
  ])
})

test('exits 127 if the command was not found', async () => {
  const { status, stderr } = await runExec(await startBitbucket(), ['no-such-command'])
  expect([status, stderr]).toEqual([
    127,
    expect.stringContaining('The command no-such-command was not found.'),
  ])
})

test('exits 126 if the command is not executable', async () => {
  const tree = makeTree()
  const file = join(tree, 'plain.txt')
  writeFileSync(file, 'not a program', { mode: 0o644 })
  const { status, stderr } = await runExec(await startBitbucket(), [file], { tree })
  expect([status, stderr]).toEqual([126, expect.stringContaining('could not be run (EACCES)')])
})

test('the command does not get a secret that a variable holds in Base64', async () => {
  const bitbucket = await startBitbucket()
  const { clientId, clientSecret } = bitbucket.credentials
  const basic = Buffer.from(`${clientId}:${clientSecret}\n`).toString('base64')
  const run = await runExec(bitbucket, script('echo "$BASIC$WRAPPED$OTHER"'), {
    env: { BASIC: basic, WRAPPED: basic.replace(/.{76}/g, '$&\n'), OTHER: 'kept' },
  })
  expect([run.status, run.stdout]).toEqual([0, 'kept\n'])
  expect(run.stderr).toMatch(/does not get (?=.*BASIC).*WRAPPED/)
})

test.each(['true', 'false'])(
  "git's other configuration stays whole if an entry is left out, with configure-git %s",
  { tags: ['git'] },
  async (configureGit) => {
    const bitbucket = await startBitbucket()
    const run = await runExec(bitbucket, ['git', 'config', '--get-regexp', '^user[.]|extraheader'], {
      inputs: { ...inputsFor.accessToken(bitbucket), 'configure-git': configureGit },
      env: {
        ...gitEnvironment,
        GIT_CONFIG_COUNT: '3',
        GIT_CONFIG_KEY_0: 'user.email',
        GIT_CONFIG_VALUE_0: 'me@example.com',
        GIT_CONFIG_KEY_1: 'http.https://bitbucket.org/.extraheader',
        GIT_CONFIG_VALUE_1: `Authorization: Bearer ${bitbucket.credentials.accessToken}`,
        GIT_CONFIG_KEY_2: 'user.name',
        GIT_CONFIG_VALUE_2: 'Me',
      },
    })
    expect([run.status, run.stdout]).toEqual([0, 'user.email me@example.com\nuser.name Me\n'])
  },
)

test('does not run the command if the credential is refused', async () => {
  const bitbucket = await startBitbucket()
  const inputs = { ...inputsFor.consumer(bitbucket), 'client-secret': 'wrong-0123456789-wrong-0123456789' }
  const { status, stdout } = await runExec(bitbucket, script('echo started'), { inputs })
  expect([status, stdout]).toEqual([3, ''])
})

test('refuses a refresh token without a store before it is spent', async () => {
  const bitbucket = await startBitbucket()
  const inputs = inputsFor.refreshToken(bitbucket)
  const run = await runExec(bitbucket, script('echo started'), { inputs })
  expect([run.status, run.stdout, run.requests]).toEqual([2, '', []])
  expect(run.stderr).toContain('Name a store in save-refresh-token.')
})

test('runs the command, says so at once and exits 4 if the new refresh token cannot be saved', async () => {
  const bitbucket = await startBitbucket()
  const inputs = { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': 'command:exit 1' }
  const run = await runExec(bitbucket, script('echo running >&2'), { inputs })
  const before = run.stderr.slice(0, run.stderr.indexOf('running'))
  expect([run.status, before]).toEqual([4, expect.stringContaining('could not be saved')])
  const failing = await runExec(bitbucket, script('exit 9'), { inputs })
  expect(failing.status).toBe(9)
})

test('passes stdin on', async () => {
  const { stdout } = await runExec(await startBitbucket(), ['cat'], { stdin: 'from stdin\n' })
  expect(stdout).toBe('from stdin\n')
})

test('npm publish --dry-run works', async () => {
  const tree = makeTree()
  const work = join(tree, 'work')
  mkdirSync(work)
  writeFileSync(join(work, 'package.json'), JSON.stringify({ name: 'a-package', version: '1.0.0' }))
  const run = await runExec(await startBitbucket(), ['npm', 'publish', '--dry-run', '--offline'], {
    tree,
    env: { HOME: tree, npm_config_cache: join(tree, 'npm') },
  })
  expect([run.status, run.stdout]).toEqual([0, '+ a-package@1.0.0\n'])
})

/** Starts `exec` so that a test can send it signals, and reads its output. */
function startExec(
  bitbucket: Bitbucket,
  text: string,
  { preload = [], flags = [] }: { preload?: readonly string[]; flags?: readonly string[] } = {},
) {
  const child = spawn(
    process.execPath,
    [...preload.flatMap((url) => ['--import', url]), bundle, 'exec', ...flags, '--', 'sh', '-c', text],
    {
      cwd: makeTree(),
      env: { PATH: pathWithoutProject, ...variablesFor(bitbucket) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  child.stdout.on('data', (piece) => {
    said += piece
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const hears = async (word: string) => {
    while (!said.includes(word)) await new Promise((resolve) => child.stdout.once('data', resolve))
  }
  return { child, ended, hears, said: () => said }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'passes %s on, and ends as the command does',
  async (signal) => {
    const run = startExec(
      await startBitbucket(),
      `trap 'echo got; exit 5' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`,
    )
    await run.hears('ready')
    run.child.kill(signal)
    expect(await run.ended).toBe(5)
    expect(run.said()).toBe('ready\ngot\n')
  },
)

test('passes a second signal on too', async () => {
  const run = startExec(
    await startBitbucket(),
    "n=0; trap 'n=$((n + 1)); echo got $n; test $n = 2 && exit 5' INT; echo ready; while :; do sleep 0.05; done",
  )
  await run.hears('ready')
  run.child.kill('SIGINT')
  await run.hears('got 1')
  run.child.kill('SIGINT')
  expect(await run.ended).toBe(5)
})

test('kills a command that ignores SIGTERM', async () => {
  const soon = join(makeTree(), 'soon.mjs')
  writeFileSync(
    soon,
    'const { setTimeout: wait } = globalThis\nglobalThis.setTimeout = (run, ms, ...rest) => wait(run, ms === 30_000 ? 50 : ms, ...rest)\n',
  )
  const run = startExec(await startBitbucket(), "trap '' TERM; echo ready; while :; do sleep 0.05; done", {
    preload: [soon],
  })
  await run.hears('ready')
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(137)
})

const program = `'${process.execPath}' '${bundle}'`

describe.each(['dash', 'bash', 'busybox'] as const)('in %s', (name) => {
  const shell = shells[name]
  const inShell = async (text: string, args: readonly string[] = []) => {
    const bitbucket = await startBitbucket()
    const said = await shell(text, args, { HOME: makeTree(), ...variablesFor(bitbucket) })
    return { said, shown: secretsIn(said, bitbucket.secrets) }
  }

  test('a script sees the status of each command', { tags: [name] }, async () => {
    const { said } = await inShell(`exec 2>/dev/null
      for command in true 'exit 3' 'kill -TERM $$'; do
        ${program} exec -- sh -c "$command"; echo "$?"
      done
      ${program} exec -- no-such-command; echo "$?"
      ${program} exec -- /; echo "$?"`)
    expect(said).toBe('0\n3\n143\n127\n126\n')
  })

  test.each(['--redact', '--no-redact'])(
    'a reader may close the pipe early with %s',
    { tags: [name] },
    async (flag) => {
      const { said } = await inShell(
        `exec 2>/dev/null; { ${program} exec ${flag} -- yes; echo "$?" >&2; } 2>"$HOME/status" | head -n 1; cat "$HOME/status"`,
      )
      expect(said).toMatch(/^y\n(.*\n)*141\n$/)
    },
  )

  test('does not show a piece of a secret if a command was not found', { tags: [name] }, async () => {
    const { said, shown } = await inShell(
      `PIECE=$(printf %.20s "$BITBUCKET_CLIENT_SECRET"); ${program} exec -- "curl -u $PIECE" 2>&1; echo "$?"`,
    )
    expect(said).toContain('The command [not shown because it contains part of a secret] was not found.')
    expect(shown).toEqual([])
  })

  test('says so if redacted output cannot be written', { tags: [name] }, async () => {
    // Every write to /dev/full fails with ENOSPC.
    const { said } = await inShell(`${program} exec --redact -- echo out 2>&1 >/dev/full; echo "$?"`)
    expect(said).toMatch(/stdout could not be written: ENOSPC.*\.\n.*\n1\n$/)
    const { said: status } = await inShell(
      `${program} exec --redact -- sh -c 'echo err >&2' 2>/dev/full; echo "$?"`,
    )
    expect(status).toBe('0\n')
  })

  test('redacts what a command prints, and keeps quotes and spaces of its arguments', {
    tags: [name],
  }, async () => {
    const { said, shown } = await inShell(
      `${program} exec --redact -- sh -c 'echo "$BITBUCKET_ACCESS_TOKEN|$1|$2"' sh "a  b" "it's \\"\\$x\\"" 2>/dev/null`,
    )
    expect([said, shown]).toEqual([`***|a  b|it's "$x"\n`, []])
  })
})

test.each(['--redact', '--no-redact'])(
  'ends when its command ends, with %s, although a process is left',
  async (flag) => {
    const bitbucket = await startBitbucket()
    const left = join(makeTree(), 'left')
    const text = `(echo $$ > '${left}'; trap '' HUP; while sleep 0.1; do :; done) & echo done; exit 6`
    const run = startExec(bitbucket, text, { flags: [flag] })
    const status = await new Promise((resolve) => run.child.once('exit', resolve))
    // The process that is left; `$$` would be its parent.
    spawnSync('pkill', ['-f', left])
    expect([status, run.said()]).toEqual([6, 'done\n'])
  },
)

test('ends within seconds although a process that is left writes on', async () => {
  const left = join(makeTree(), 'left')
  const text = `(: '${left}'; for n in $(seq 100); do echo "$n"; sleep 0.2; done) & exit 6`
  const run = startExec(await startBitbucket(), text, { flags: ['--redact'] })
  const status = await new Promise((resolve) => run.child.once('exit', resolve))
  spawnSync('pkill', ['-f', left])
  expect([status, run.said()]).toEqual([6, expect.not.stringContaining('100')])
})

test.each<[string, Record<string, string>]>([
  ['', {}],
  [', and TMPDIR does not exist', { TMPDIR: '/no/such/directory' }],
])('a command can open /dev/stdout and /dev/stderr by name if its output is redacted%s', async (_, env) => {
  const run = await runExec(await startBitbucket(), script('echo out >/dev/stdout; echo err >/dev/stderr'), {
    flags: ['--redact'],
    env,
  })
  expect([run.status, run.stdout, run.stderr.split('\n').at(-2)]).toEqual([0, 'out\n', 'err'])
})

const masking: readonly string[] = ['forgejo', 'gitea', 'github', 'azure']

// On the other CIs, the canary searches everything that the command prints for the token, in each encoding.
test.each(hostNames)('on %s, redacts by default only if the CI cannot mask', async (ci) => {
  const bitbucket = await startBitbucket()
  const text = 'env; env >&2; env | base64; env | od -An -v -tx1 | tr -d " \\n"'
  const isMasked = masking.includes(ci)
  const { stdout } = await runExec(bitbucket, script(isMasked ? 'echo "$BITBUCKET_ACCESS_TOKEN"' : text), {
    inputs: { ...inputsFor.consumer(bitbucket), ci },
    ...(isMasked && { showsSecret: true }),
  })
  if (isMasked) expect(secretsIn(stdout, bitbucket.secrets)).toEqual(['issued access token'])
  else expect(stdout).toContain('BITBUCKET_ACCESS_TOKEN=***\n')
})
