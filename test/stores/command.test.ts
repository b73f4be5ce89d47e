/** @module-tag sh */
import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { errorOf, open, tokens, untilDone } from './support/open.ts'

const token = `${'a+b/c='.repeat(430)}.end`
const path = process.env['PATH'] ?? ''

test('the command gets the whole token on standard input, without a line end', async () => {
  const cwd = temporaryDirectory()
  const store = await open('command:cat > "$PLACE"', { cwd, env: { PATH: path, PLACE: 'saved' } })
  await store.check()
  expect(await store.load()).toBeUndefined()
  const { signal } = new AbortController()
  await store.save(tokens(token), signal)
  expect(readFileSync(join(cwd, 'saved'), 'utf8')).toBe(token)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a command can open /dev/stdin, as aws does for file:///dev/stdin', async () => {
  const cwd = temporaryDirectory()
  await (await open('command:cp /dev/stdin saved', { cwd, env: { PATH: path } })).save(
    tokens(token),
    untilDone,
  )
  expect(readFileSync(join(cwd, 'saved'), 'utf8')).toBe(token)
})

test('neither the token nor another secret is in the command’s arguments or environment', async () => {
  const cwd = temporaryDirectory()
  const env = {
    PATH: path,
    BITBUCKET_REFRESH_TOKEN: 'the-old-token',
    INPUT_AUTHORIZATION: 'Basic the-client-secret',
    VAULT_TOKEN: 'the user’s own',
  }
  const look = 'cat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline > seen; cat > saved'
  const known = ['the-old-token', 'the-client-secret', token]
  await (await open(`command:${look}`, { cwd, env, known })).save(tokens(token), untilDone)
  const seen = readFileSync(join(cwd, 'seen'), 'latin1')
  expect(seen).toContain('VAULT_TOKEN=')
  for (const secret of [...known, token.slice(0, 12)]) expect(seen).not.toContain(secret)
})

const failing = async (command: string, given = {}, signal = untilDone) =>
  (
    await errorOf(
      (
        await open(`command:${command}`, {
          cwd: temporaryDirectory(),
          env: { PATH: path },
          known: [token, 'the-access-token'],
          ...given,
        })
      ).save(tokens(token, 'the-access-token'), signal),
    )
  ).message

test('reports the status of a failed command and its stderr', async () => {
  expect(await failing('cat > /dev/null; echo "no route to vault" >&2; exit 3')).toBe(
    'it failed with exit status 3: "no route to vault"',
  )
  expect(await failing('kill -9 $$')).toMatch(/^it failed with exit status 137/)
  expect(await failing('exit 7')).toBe('it failed with exit status 7')
  expect(await failing('kill -9 $PPID')).toBe('it was stopped by SIGKILL')
})

const commands = [
  'head -c 40 >&2',
  'tail -c 12 >&2',
  'fold -w 9 >&2',
  'base64 >&2',
  'base64 -w 0 >&2',
  'base64 -w 0 | head -c 12 >&2',
  '{ printf "user:"; cat; } | base64 >&2',
  'od -An -tx1 >&2',
]

for (const command of commands) {
  const tags = command.includes('base64') ? (['base64'] as const) : []
  test(`does not show stderr that holds a piece of the token: ${command}`, { tags: [...tags] }, async () => {
    const said = await failing(`${command}; exit 1`)
    expect(said).toBe('it failed with exit status 1: "[not shown because it contains part of a secret]"')
  })
}

test('never shows stdout, and redacts other secrets in stderr', async () => {
  expect(await failing('cat; exit 1')).toBe('it failed with exit status 1')
  expect(await failing('echo "secret is hush-hush" >&2; exit 1', { known: ['hush-hush'] })).toBe(
    'it failed with exit status 1: "secret is ***"',
  )
  expect(await failing('echo "Error: invalid value $(cat)" >&2; exit 1')).toBe(
    'it failed with exit status 1: "Error: invalid value ***"',
  )
})

test('works with a command that does not read its input, and limits how much output it keeps', async () => {
  const cwd = temporaryDirectory()
  await (await open('command:true', { cwd, env: { PATH: path } })).save(
    tokens('x'.repeat(200_000)),
    untilDone,
  )
  const chatty = 'head -c 3000000 /dev/zero | tr "\\0" x'
  await (await open(`command:${chatty}; cat >/dev/null`, { cwd, env: { PATH: path } })).save(
    tokens(token),
    untilDone,
  )
  const said = await failing('head -c 100000 /dev/zero | tr "\\0" x >&2; exit 1')
  expect(said).toMatch(/^it failed with exit status 1(: "x*")?$/)
  expect(said.length).toBeLessThan(70_000)
})

test('reports a command that cannot be started', async () => {
  expect(await failing('cat', { cwd: join(temporaryDirectory(), 'gone') })).toMatch(/ENOENT/)
})

test('ends the command and its child processes at the deadline', async () => {
  const cwd = temporaryDirectory()
  const stop = new AbortController()
  const command = 'trap "" TERM; sleep 60 & echo $! > child; cat > /dev/null; wait'
  setTimeout(() => stop.abort(), 300)
  const began = performance.now()
  expect(await failing(command, { cwd }, stop.signal)).toBe('it did not end in time')
  expect(performance.now() - began).toBeLessThan(15_000)
  const child = readFileSync(join(cwd, 'child'), 'utf8').trim()
  // Gone, or a zombie because no process in this container waits for it.
  const state = () => {
    try {
      return readFileSync(`/proc/${child}/stat`, 'utf8').split(' ')[2]
    } catch {
      return 'gone'
    }
  }
  await expect.poll(state).toMatch(/gone|Z/)
})

test('fails if the deadline has passed before it starts', async () => {
  const long = tokens('x'.repeat(200_000))
  const store = await open('command:sleep 60', { cwd: temporaryDirectory(), env: { PATH: path } })
  await expect(store.save(long, AbortSignal.abort())).rejects.toThrow('it did not end in time')
})

const pipes = () => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length
/** Counted before the first test, because a command that was just killed keeps a pipe for a moment. */
const pipesAtRest = pipes()

test('does not wait for processes that the command leaves in the background', async () => {
  const began = performance.now()
  await (
    await open('command:sleep 20 & cat > /dev/null', { cwd: temporaryDirectory(), env: { PATH: path } })
  ).save(tokens(token), untilDone)
  expect(performance.now() - began).toBeLessThan(15_000)
  await expect.poll(pipes).toBe(pipesAtRest)
})

test('finds out that a command cannot run before the refresh token is spent', async () => {
  const check = async (command: string) =>
    errorOf((await open(`command:${command}`, { cwd: temporaryDirectory(), env: { PATH: path } })).check())
  const missing = [
    'no-such-program kv put -',
    ' no-such-program',
    'ADDRESS=https://vault.test:8200 no-such-program kv put -',
    '"no-such-program" kv',
    "'no-such-program'",
    'no-such-program|cat',
  ]
  for (const command of missing) {
    expect(await check(command)).toMatchObject({
      code: 'store-unwritable',
      message: 'The program no-such-program was not found.',
      nextStep: expect.stringMatching(/^Test the command in the same shell/),
    })
  }
  expect((await check('cat "unclosed')).message).toMatch(
    /^The shell cannot parse the command in save-refresh-token: ".+"\.$/,
  )
  const good = [
    'cat > x',
    '{ cat; } > x',
    'X=1 cat > x',
    'if true; then cat; fi',
    './later || cat',
    'PATH=/elsewhere vault',
    '$VAULT kv',
    '"cat" > x',
  ]
  for (const command of good) {
    const store = await open(`command:${command}`, { cwd: temporaryDirectory(), env: { PATH: path } })
    if (!command.startsWith('./')) await store.check()
  }
})
