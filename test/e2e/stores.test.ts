import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { makeTree } from './support/run.ts'
import { places, scopes } from './support/store-places.ts'
import { exportedBy, liveOf, refreshesOf, run, shownIn, startBitbucket, test } from './support/store-runs.ts'

describe('fifty refreshes in a row, each from a new process with only the store', () => {
  test.each(Object.entries(places))(
    '%s: all succeed, and after each only the stored token works',
    async (name, prepare) => {
      // Each run is two hours later, because a job right after another one shares its token.
      let ahead = 0
      const now = () => Date.now() + ahead
      const bitbucket = await startBitbucket({ refreshTokenGrace: 0, scopes, now })
      const place = await prepare(bitbucket)
      const cwd = makeTree()
      const began = performance.now()
      for (let number = 1; number <= 50; number++) {
        ahead = number * 7_200_000
        const { status, stderr } = await run({
          bitbucket,
          env: { ...place.job(), CLOCK_AHEAD: String(ahead) },
          cwd,
          ...(place.secrets && { secrets: place.secrets }),
        })
        expect([number, status, stderr]).toEqual([number, 0, stderr])
        expect(liveOf(bitbucket)).toEqual([place.stored()])
      }
      expect(refreshesOf(bitbucket)).toBe(50)
      expect(bitbucket.refreshTokens).toHaveLength(51)
      console.log(`${name}: 50 refreshes in ${Math.round(performance.now() - began)} ms`)
    },
    60_000,
  )
})

describe('parallel refreshes', () => {
  test('file: two to eight processes send one request and all get a valid token', async () => {
    let ahead = 0
    const now = () => Date.now() + ahead
    const bitbucket = await startBitbucket({ refreshTokenGrace: 0, scopes, now })
    const place = await places['file']?.(bitbucket)
    for (let count = 2; count <= 8; count++) {
      ahead += 7_200_000
      const env = { ...place?.job(), CLOCK_AHEAD: String(ahead) }
      const runs = await Promise.all(Array.from({ length: count }, () => run({ bitbucket, env })))
      expect(runs.map(({ status }) => status)).toEqual(Array(count).fill(0))
      expect(refreshesOf(bitbucket)).toBe(count - 1)
      const exported = new Set(runs.map(exportedBy))
      expect([...exported].map((token) => bitbucket.isLive(token))).toEqual([true])
      expect(liveOf(bitbucket)).toEqual([place?.stored()])
    }
    // A run one minute later shares the token. A run 75 seconds later refreshes.
    for (const { seconds, refreshes } of [
      { seconds: 60, refreshes: 7 },
      { seconds: 75, refreshes: 8 },
    ]) {
      const env = { ...place?.job(), CLOCK_AHEAD: String(ahead + seconds * 1_000) }
      expect((await run({ bitbucket, env })).status).toBe(0)
      expect(refreshesOf(bitbucket)).toBe(refreshes)
    }
  }, 60_000)

  test.each(['bitbucket-variable', 'github-secret', 'gitlab-variable'])(
    '%s: after four processes, the stored token is valid',
    async (name) => {
      const bitbucket = await startBitbucket({ scopes })
      const place = await places[name]?.(bitbucket)
      if (place === undefined) throw new Error('unknown store')
      // All start with the same token.
      const jobs = Array.from({ length: 4 }, () => place.job())
      const runs = await Promise.all(jobs.map((env) => run({ bitbucket, env })))
      expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0])
      expect(place.stored()).not.toBe(bitbucket.credentials.refreshToken)
      expect(liveOf(bitbucket)).toContain(place.stored())
      expect((await run({ bitbucket, env: place.job() })).status).toBe(0)
      expect(liveOf(bitbucket)).toContain(place.stored())
    },
  )

  test('the credential helper refreshes once if git asks eight times in parallel', async () => {
    const bitbucket = await startBitbucket({ refreshTokenGrace: 0, scopes })
    const place = await places['file']?.(bitbucket)
    const cwd = makeTree()
    const ask = () =>
      run({
        bitbucket,
        cwd,
        env: place?.job() ?? {},
        args: ['git-credential', 'get'],
        input: `protocol=http\nhost=${new URL(bitbucket.url).host}\n\n`,
      })
    const answers = await Promise.all(Array.from({ length: 8 }, ask))
    answers.push(await ask())
    expect(new Set(answers.map(({ stdout }) => stdout)).size).toBe(1)
    const password = /^password=(.*)$/m.exec(answers[0]?.stdout ?? '')?.[1] ?? ''
    expect(bitbucket.isLive(password)).toBe(true)
    expect(refreshesOf(bitbucket)).toBe(1)
    expect(liveOf(bitbucket)).toEqual([place?.stored()])
  })
})

describe('the store file:', () => {
  test('starts with the given token and then takes precedence over it', async () => {
    const bitbucket = await startBitbucket({ refreshTokenGrace: 0 })
    const file = join(makeTree(), 'refresh-token')
    const env = {
      BITBUCKET_SAVE_REFRESH_TOKEN: `file:${file}`,
      BITBUCKET_REFRESH_TOKEN: bitbucket.credentials.refreshToken,
    }
    for (let number = 1; number <= 3; number++) {
      const later = { ...env, CLOCK_AHEAD: String(number * 600_000) }
      expect((await run({ bitbucket, env: later })).status).toBe(0)
      expect(liveOf(bitbucket)).toEqual([readFileSync(file, 'utf8')])
      expect(refreshesOf(bitbucket)).toBe(number)
    }
  })

  test('uses the given token if the stored one is invalid', async () => {
    const bitbucket = await startBitbucket({ refreshTokenGrace: 0 })
    const file = join(makeTree(), 'refresh-token')
    writeFileSync(file, 'a-token-that-nobody-knows-any-more')
    const { status, stderr } = await run({
      bitbucket,
      env: {
        BITBUCKET_SAVE_REFRESH_TOKEN: `file:${file}`,
        BITBUCKET_REFRESH_TOKEN: bitbucket.credentials.refreshToken,
      },
    })
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/Bitbucket refused it\. Trying the one in BITBUCKET_REFRESH_TOKEN/),
    ])
    expect(liveOf(bitbucket)).toEqual([readFileSync(file, 'utf8')])
  })

  test('stores the given token if Bitbucket does not rotate it, as before 2026', async () => {
    const bitbucket = await startBitbucket({ answers: 'legacy' })
    const file = join(makeTree(), 'refresh-token')
    const env = { BITBUCKET_SAVE_REFRESH_TOKEN: `file:${file}` }
    const first = { ...env, BITBUCKET_REFRESH_TOKEN: bitbucket.credentials.refreshToken }
    expect((await run({ bitbucket, env: first })).status).toBe(0)
    expect((await run({ bitbucket, env: { ...env, CLOCK_AHEAD: '600000' } })).status).toBe(0)
    expect(refreshesOf(bitbucket)).toBe(2)
    expect(readFileSync(file, 'utf8')).toBe(bitbucket.credentials.refreshToken)
  })

  test('leaves no other files than the token and its cache', async ({ bitbucket }) => {
    const place = makeTree()
    chmodSync(place, 0o755)
    const env = {
      BITBUCKET_SAVE_REFRESH_TOKEN: `file:${place}/refresh-token`,
      BITBUCKET_REFRESH_TOKEN: bitbucket.credentials.refreshToken,
    }
    const { cwd } = await run({ bitbucket, env })
    expect(readdirSync(place)).toEqual(['refresh-token', 'refresh-token.access'])
    expect(existsSync(join(cwd, '.bitbucket-token/refresh-token'))).toBe(false)
    expect(
      shownIn(readFileSync(join(place, 'refresh-token.access'), 'utf8'), bitbucket.refreshTokens),
    ).toEqual([])
  })
})

describe('other commands', () => {
  test('print uses the token and saves the new one, with any format', async () => {
    const bitbucket = await startBitbucket({ refreshTokenGrace: 0, scopes })
    const place = await places['file']?.(bitbucket)
    const { status, stdout, cwd } = await run({
      bitbucket,
      env: place?.job() ?? {},
      args: ['print', '--format', 'json'],
      isData: true,
    })
    expect(status).toBe(0)
    expect(bitbucket.isLive(JSON.parse(stdout).access_token)).toBe(true)
    expect(liveOf(bitbucket)).toEqual([place?.stored()])
    expect(readdirSync(cwd)).toEqual([])
    const later = { ...place?.job(), CLOCK_AHEAD: '600000' }
    const bare = await run({ bitbucket, env: later, args: ['print'], isData: true })
    expect([bare.status, bitbucket.isLive(bare.stdout.trim())]).toEqual([0, true])
    expect(liveOf(bitbucket)).toEqual([place?.stored()])
  })

  test('a dry run sends nothing and does not change the store', async ({ bitbucket }) => {
    const place = await places['file']?.(bitbucket)
    const { status, stderr } = await run({
      bitbucket,
      env: place?.job() ?? {},
      args: ['acquire', '--dry-run'],
    })
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/OAuth refresh token.*Saves +the new refresh token, with: file:/s),
    ])
    expect(bitbucket.requests).toEqual([])
    expect(place?.stored()).toBe(bitbucket.credentials.refreshToken)
  })
})

test('saves the token with the command line of a real secret manager', async ({ bitbucket }) => {
  const bin = makeTree()
  // Like vault, it reads standard input for `-`.
  writeFileSync(
    join(bin, 'vault'),
    '#!/bin/sh\ntest "$*" = "kv put -mount=secret bitbucket refresh-token=-" && cat > "$KEPT"\n',
  )
  chmodSync(join(bin, 'vault'), 0o755)
  const kept = join(bin, 'kept')
  const { status } = await run({
    bitbucket,
    env: {
      PATH: `${bin}:${process.env['PATH']}`,
      KEPT: kept,
      BITBUCKET_REFRESH_TOKEN: bitbucket.credentials.refreshToken,
      BITBUCKET_SAVE_REFRESH_TOKEN: 'command:vault kv put -mount=secret bitbucket refresh-token=-',
    },
  })
  expect(status).toBe(0)
  expect(bitbucket.refreshTokens.at(-1)).toBe(readFileSync(kept, 'utf8'))
})
