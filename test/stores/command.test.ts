/** @module-tag sh */
import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { complaintOf, directory, open, tokens, untilDone } from './support/open.ts'

const token = `${'a+b/c='.repeat(430)}.end`
const path = process.env['PATH'] ?? ''

test('the command gets the token on standard input, whole and without a line end', async () => {
  const cwd = directory()
  const store = await open('command:cat > "$PLACE"', { cwd, env: { PATH: path, PLACE: 'saved' } })
  await store.check()
  expect(await store.load()).toBeUndefined()
  const { signal } = new AbortController()
  await store.save(tokens(token), signal)
  expect(readFileSync(join(cwd, 'saved'), 'utf8')).toBe(token)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a command that opens /dev/stdin, as aws does for file:///dev/stdin', async () => {
  const cwd = directory()
  await (await open('command:cp /dev/stdin saved', { cwd, env: { PATH: path } })).save(
    tokens(token),
    untilDone,
  )
  expect(readFileSync(join(cwd, 'saved'), 'utf8')).toBe(token)
})

test('the token is neither in an argument nor in the environment, and no other secret is there', async () => {
  const cwd = directory()
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
    await complaintOf(
      (
        await open(`command:${command}`, {
          cwd: directory(),
          env: { PATH: path },
          known: [token, 'the-access-token'],
          ...given,
        })
      ).save(tokens(token, 'the-access-token'), signal),
    )
  ).message

test('a command that fails tells its status and what it said', async () => {
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
  test(`what holds a piece of the token is not shown: ${command}`, { tags: [...tags] }, async () => {
    const said = await failing(`${command}; exit 1`)
    expect(said).toBe('it failed with exit status 1: "[not shown because it contains part of a secret]"')
  })
}

test('stdout is never shown, and another secret is taken out', async () => {
  expect(await failing('cat; exit 1')).toBe('it failed with exit status 1')
  expect(await failing('echo "secret is hush-hush" >&2; exit 1', { known: ['hush-hush'] })).toBe(
    'it failed with exit status 1: "secret is ***"',
  )
  expect(await failing('echo "Error: invalid value $(cat)" >&2; exit 1')).toBe(
    'it failed with exit status 1: "Error: invalid value ***"',
  )
})

test('a command that does not read, and one that talks without end', async () => {
  const cwd = directory()
  await (await open('command:true', { cwd, env: { PATH: path } })).save(
    tokens('x'.repeat(200_000)),
    untilDone,
  )
  const talking = 'head -c 3000000 /dev/zero | tr "\\0" x'
  await (await open(`command:${talking}; cat >/dev/null`, { cwd, env: { PATH: path } })).save(
    tokens(token),
    untilDone,
  )
  const said = await failing('head -c 100000 /dev/zero | tr "\\0" x >&2; exit 1')
  expect(said).toMatch(/^it failed with exit status 1(: "x*")?$/)
  expect(said.length).toBeLessThan(70_000)
})

test('a command that cannot even be started', async () => {
  expect(await failing('cat', { cwd: join(directory(), 'gone') })).toMatch(/ENOENT/)
})

test('when its time is over all that it has started ends', async () => {
  const cwd = directory()
  const stop = new AbortController()
  const command = 'trap "" TERM; sleep 60 & echo $! > child; cat > /dev/null; wait'
  setTimeout(() => stop.abort(), 300)
  const began = performance.now()
  expect(await failing(command, { cwd }, stop.signal)).toBe('it did not end in time')
  expect(performance.now() - began).toBeLessThan(15_000)
  const child = readFileSync(join(cwd, 'child'), 'utf8').trim()
  // Gone, or a zombie that nobody waits for in this container.
  const state = () => {
    try {
      return readFileSync(`/proc/${child}/stat`, 'utf8').split(' ')[2]
    } catch {
      return 'gone'
    }
  }
  await expect.poll(state).toMatch(/gone|Z/)
})

test('when its time was over before it began', async () => {
  const long = tokens('x'.repeat(200_000))
  const store = await open('command:sleep 60', { cwd: directory(), env: { PATH: path } })
  await expect(store.save(long, AbortSignal.abort())).rejects.toThrow('it did not end in time')
})

const pipes = () => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length
/** Taken before any test, for a command that was just killed has one a moment longer. */
const pipesAtRest = pipes()

test('what it leaves in the background does not hold it up, nor this process', async () => {
  const began = performance.now()
  await (await open('command:sleep 20 & cat > /dev/null', { cwd: directory(), env: { PATH: path } })).save(
    tokens(token),
    untilDone,
  )
  expect(performance.now() - began).toBeLessThan(15_000)
  await expect.poll(pipes).toBe(pipesAtRest)
})

test('what cannot be run is seen before anything is spent', async () => {
  const check = async (command: string) =>
    complaintOf((await open(`command:${command}`, { cwd: directory(), env: { PATH: path } })).check())
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
    const store = await open(`command:${command}`, { cwd: directory(), env: { PATH: path } })
    if (!command.startsWith('./')) await store.check()
  }
})
