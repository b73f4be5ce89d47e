import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { startGitHub } from '../stores/support/github.ts'
import { startGitLab } from '../stores/support/gitlab.ts'
import { makeTree } from './support/run.ts'
import { scopes } from './support/store-places.ts'
import {
  type Bitbucket,
  exportedBy,
  type Finished,
  liveOf,
  refreshesOf,
  run,
  type Start,
  startBitbucket,
  step,
  test,
} from './support/store-runs.ts'

/** Runs the program with a refresh token in a variable, and with `env`. */
const refresh = (bitbucket: Bitbucket, env: Readonly<Record<string, string>>, more: Partial<Start> = {}) =>
  run({ bitbucket, env: { BITBUCKET_REFRESH_TOKEN: bitbucket.credentials.refreshToken, ...env }, ...more })

const inVariable = {
  BITBUCKET_SAVE_REFRESH_TOKEN: 'bitbucket-variable',
  BITBUCKET_REPO_FULL_NAME: 'sandbox/hello',
}
/** Returns the refresh token that a run left in its output directory. */
const kept = ({ cwd }: Finished) => readFileSync(join(cwd, '.bitbucket-token/refresh-token'), 'utf8')

describe('exits 4 before it uses the token, and leaves nothing, if the store cannot be written:', () => {
  const onGitLab = async (scope: 'none' | 'read_api', says: RegExp) => {
    const { env, token } = await startGitLab({ scope })
    const settings = { BITBUCKET_SAVE_REFRESH_TOKEN: 'gitlab-variable', BITBUCKET_GITLAB_TOKEN: token }
    return { env: { ...env, ...settings }, secrets: [token], says }
  }
  const cases: Record<
    string,
    () => Promise<{ env: Record<string, string>; secrets?: string[]; says: RegExp }>
  > = {
    'a missing directory': async () => ({
      env: { BITBUCKET_SAVE_REFRESH_TOKEN: 'file:/nonexistent/refresh-token' },
      says: /Cannot write to \/nonexistent: ENOENT.*\nCreate the directory/,
    }),
    'a missing program': async () => ({
      env: { BITBUCKET_SAVE_REFRESH_TOKEN: 'command:no-such-vault kv put x=-' },
      says: /The program no-such-vault was not found\.\nTest the command/,
    }),
    'no permission on GitHub': async () => {
      const github = await startGitHub({ permission: 'none' })
      return {
        env: {
          ...github.env,
          BITBUCKET_SAVE_REFRESH_TOKEN: 'github-secret',
          BITBUCKET_GITHUB_TOKEN: github.token,
        },
        secrets: [github.token],
        says: /secret BITBUCKET_REFRESH_TOKEN of acme\/app .*status 403.*\nThe github-token needs/,
      }
    },
    'no permission on GitLab': () =>
      onGitLab('none', /GitLab project acme\/app.*status 403.*\nUse a project access token/),
    'a read-only token on GitLab': () => onGitLab('read_api', /only the scope read_api/),
    'an API that cannot be reached': async () => ({
      env: {
        ...inVariable,
        BITBUCKET_API_URL: 'http://127.0.0.1:9',
      },
      says: /repository variable BITBUCKET_REFRESH_TOKEN of sandbox\/hello.*ECONNREFUSED/,
    }),
  }
  test.each(Object.entries(cases))('%s', async (_, prepare) => {
    const bitbucket = await startBitbucket()
    const { env, secrets = [], says } = await prepare()
    const job = await refresh(bitbucket, env, { secrets })
    expect([job.status, job.stderr]).toEqual([4, expect.stringMatching(says)])
    expect(job.stderr).toContain('so the old one was not spent')
    expect(refreshesOf(bitbucket)).toBe(0)
    expect(readdirSync(job.cwd)).toEqual([])
  })

  test('a lock that another process holds for too long', async ({ bitbucket }) => {
    const place = makeTree()
    writeFileSync(join(place, 'token.lock'), JSON.stringify({ id: 'x', pid: 1, place: 'another machine' }))
    const env = { BITBUCKET_SAVE_REFRESH_TOKEN: `file:${place}/token`, BITBUCKET_TIMEOUT: '1' }
    const job = await refresh(bitbucket, env)
    expect([job.status, job.stderr]).toEqual([
      4,
      expect.stringMatching(/token\.lock was held by another process/),
    ])
    expect(refreshesOf(bitbucket)).toBe(0)
  })
})

describe('if saving fails after the refresh,', () => {
  const says = (what: string) =>
    new RegExp(
      [
        `The new refresh token could not be saved in ${what}.*`,
        '.*',
        'Fix the problem above and run this again before \\d\\d:\\d\\d UTC\\. Until then, ten minutes after the refresh, the old refresh token still works\\.',
        `Or save the new refresh token in ${what} yourself\\. It is the file .*/refresh-token\\.`,
        'After that, a person must authorise a new refresh token\\.',
      ].join('\n'),
    )

  test('the job exits 4 and hands over everything, and a run within ten minutes succeeds', async () => {
    const bitbucket = await startBitbucket({ scopes })
    const error = { message: 'Your credentials lack', detail: { required: ['pipeline'] } }
    bitbucket.script({ path: '/2.0/repositories', status: 403, body: { type: 'error', error } })
    const job = await refresh(bitbucket, inVariable)
    expect([job.status, job.stderr]).toEqual([
      4,
      expect.stringMatching(says('the repository variable BITBUCKET_REFRESH_TOKEN of sandbox/hello')),
    ])
    expect(job.stderr).toMatch(/\(scopes pipeline\)/)
    expect(liveOf(bitbucket)).toContain(kept(job))
    expect((statSync(join(job.cwd, '.bitbucket-token/refresh-token')).mode & 0o777).toString(8)).toBe('600')
    // The rest of the result is there too.
    expect(bitbucket.isLive(exportedBy(job))).toBe(true)
    expect(existsSync(join(job.cwd, '.bitbucket-token/git-credentials'))).toBe(true)

    expect((await refresh(bitbucket, inVariable)).status).toBe(0)
    expect(liveOf(bitbucket)).toContain(bitbucket.variables()[0]?.value)
  })

  test('the token is an output of the step on GitHub, and is masked first', async ({ bitbucket }) => {
    const github = await startGitHub({ permission: 'read' })
    const { env, outputs } = step(bitbucket, {
      'save-refresh-token': 'github-secret',
      'github-token': github.token,
    })
    const job = await run({ bitbucket, env: { ...github.env, ...env }, secrets: [github.token] })
    expect(job.status).toBe(4)
    expect(outputs()['refresh-token']).toBe(bitbucket.refreshTokens[1])
    expect(bitbucket.isLive(outputs()['access-token'] ?? '')).toBe(true)
    expect(job.stdout).toMatch(/::error .*It is the output refresh-token of this step/)
    expect(job.stdout.indexOf(`::add-mask::${bitbucket.refreshTokens[1]}`)).toBeGreaterThan(-1)
    expect(job.stdout.indexOf('::add-mask::')).toBeLessThan(job.stdout.indexOf('::error'))
  })

  test('the program retries while there is time, and succeeds after three failures', async () => {
    const bitbucket = await startBitbucket({ scopes })
    const bad = { path: '/2.0/repositories', status: 503, body: 'busy' }
    bitbucket.script(bad, bad, { path: '/2.0/repositories', lost: true })
    const job = await refresh(bitbucket, inVariable)
    expect([job.status, job.stderr]).toEqual([0, job.stderr])
    expect(liveOf(bitbucket)).toContain(bitbucket.variables()[0]?.value)
    expect(existsSync(join(job.cwd, '.bitbucket-token/refresh-token'))).toBe(false)
  })

  test('the program retries a command too, and logs what it says', async ({ bitbucket }) => {
    const command =
      'echo try >> tries; cat > saved; test "$(wc -l < tries)" -ge 3 || { echo "sealed" >&2; exit 2; }'
    const job = await refresh(bitbucket, { BITBUCKET_SAVE_REFRESH_TOKEN: `command:${command}` })
    expect([job.status, job.stderr]).toEqual([
      0,
      expect.stringMatching(/Saving in .* failed\. Retrying: it failed with exit status 2: "sealed"\./),
    ])
    expect(readFileSync(join(job.cwd, 'saved'), 'utf8')).toBe(bitbucket.refreshTokens[1])
  })

  test('the program stops a command that hangs', async ({ bitbucket }) => {
    const began = performance.now()
    const job = await refresh(bitbucket, {
      BITBUCKET_SAVE_REFRESH_TOKEN: 'command:sleep 100',
      BITBUCKET_TIMEOUT: '1',
    })
    expect([job.status, job.stderr]).toEqual([4, expect.stringMatching(/it did not end in time/)])
    // Saving gets at least this time for a used token, even if the timeout has less left.
    expect(performance.now() - began).toBeGreaterThan(14_000)
    expect(performance.now() - began).toBeLessThan(25_000)
    expect(liveOf(bitbucket)).toContain(kept(job))
  })

  test('the job exits 4 because the file cannot be replaced', async ({ bitbucket }) => {
    const place = makeTree()
    const command = { BITBUCKET_SAVE_REFRESH_TOKEN: `file:${place}/token` }
    bitbucket.script((_req, _res, answer) => {
      // Somebody makes a directory there during the refresh.
      mkdirSync(join(place, 'token'))
      answer()
    })
    const job = await refresh(bitbucket, command)
    expect([job.status, job.stderr]).toEqual([4, expect.stringMatching(/could not be saved in the file/)])
    expect(liveOf(bitbucket)).toContain(kept(job))
    expect(readdirSync(place)).toEqual(['token'])
  })

  test('and the output directory fails too, the program says so and prints no token', async () => {
    const bitbucket = await startBitbucket({ scopes })
    bitbucket.script({ path: '/2.0/repositories', status: 404, body: {} })
    const cwd = makeTree()
    writeFileSync(join(cwd, 'file'), 'in the way')
    const job = await refresh(bitbucket, { ...inVariable, BITBUCKET_OUTPUT_DIR: 'file/secrets' }, { cwd })
    expect(job.status).not.toBe(0)
    expect(job.stderr).toMatch(/could not be saved in the repository variable/)
    expect(job.stderr).toMatch(/The new refresh token could not be handed over either: The private directory/)
    expect(job.stderr).toMatch(/before \d\d:\d\d UTC/)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s during the saving ends the run only after the token is saved',
    async (signal) => {
      const bitbucket = await startBitbucket({ scopes })
      let stop = () => {}
      bitbucket.script({ path: '/site/nothing-asks-for-this', status: 200 })
      const whenAsked = (_req: unknown, _res: unknown, answer: () => void) => {
        stop()
        setTimeout(answer, 200)
      }
      // The first two requests are answered as usual. The signal comes at the third one, the list of variables.
      bitbucket.script(
        (_req, _res, answer) => answer(),
        (_req, _res, answer) => answer(),
        whenAsked,
      )
      const job = await refresh(bitbucket, inVariable, {
        onStart: (child) => {
          stop = () => child.kill(signal)
        },
      })
      expect(job.stderr).toMatch(/The new refresh token was saved in the repository variable/)
      expect(liveOf(bitbucket)).toContain(bitbucket.variables()[0]?.value)
    },
  )
})

test('keeps a newer token that another run has saved meanwhile, and says so', async () => {
  const bitbucket = await startBitbucket({ scopes })
  const file = join(makeTree(), 'token')
  bitbucket.script((_req, _res, answer) => {
    writeFileSync(file, 'newer-token-of-another-run')
    answer()
  })
  const job = await refresh(bitbucket, { BITBUCKET_SAVE_REFRESH_TOKEN: `file:${file}` })
  expect(job.status).toBe(0)
  expect(job.stderr).toContain(`Another run has already saved a newer refresh token in the file ${file}.`)
  expect(job.stderr).not.toContain('The new refresh token was saved')
  expect(readFileSync(file, 'utf8')).toBe('newer-token-of-another-run')
})

describe('without a store', () => {
  const cases: Record<string, { env: Record<string, string>; lines: string[] }> = {
    'in Pipelines': {
      env: { BITBUCKET_PIPELINE_UUID: '{1}' },
      lines: [
        'BITBUCKET_SAVE_REFRESH_TOKEN: bitbucket-variable',
        'BITBUCKET_REFRESH_TOKEN: $BITBUCKET_REFRESH_TOKEN',
      ],
    },
    'on GitLab': {
      env: { GITLAB_CI: 'true' },
      lines: ['BITBUCKET_SAVE_REFRESH_TOKEN: gitlab-variable', 'BITBUCKET_GITLAB_TOKEN: '],
    },
  }
  test.each(Object.entries(cases))(
    '%s: one warning shows the two lines that set one up',
    async (_, { env, lines }) => {
      const bitbucket = await startBitbucket()
      const job = await refresh(bitbucket, env)
      expect(job.status).toBe(0)
      expect(job.stderr.match(/^warning: /gm)).toHaveLength(1)
      const after = job.stderr.split('To save it in each run, add:\n')[1]?.split('\n') ?? []
      for (const [index, line] of lines.entries()) expect(after[index]).toContain(`  ${line}`)
      expect(liveOf(bitbucket)).toContain(kept(job))
    },
  )
})

describe('exits 2 for inputs that do not fit:', () => {
  test.each([
    ['bad', {}, /BITBUCKET_SAVE_REFRESH_TOKEN names an unknown kind of store/],
    ['file:~/refresh-token', {}, /only a shell can replace/],
    ['github-secret', {}, /Missing: BITBUCKET_GITHUB_TOKEN\./],
    ['gitlab-variable', {}, /Missing: BITBUCKET_GITLAB_TOKEN\./],
    ['bitbucket-variable', {}, /but its repository is unknown/],
    [
      'file:token',
      { BITBUCKET_GRANT: 'client-credentials' },
      /Only the refresh grant returns a refresh token/,
    ],
    [
      'file:token',
      { BITBUCKET_REFRESH_TOKEN: '' },
      /BITBUCKET_REFRESH_TOKEN is empty, and none can be read from the file/,
    ],
    ['file:token', { BITBUCKET_CLIENT_SECRET: '' }, /Missing: BITBUCKET_CLIENT_SECRET\./],
    [
      'file:token',
      { BITBUCKET_EMAIL: 'a@b.c', BITBUCKET_API_TOKEN: 'x' },
      /More than one kind of credential/,
    ],
  ])('save-refresh-token: %s with %j', async (destination, env, says) => {
    const bitbucket = await startBitbucket()
    const job = await refresh(bitbucket, { BITBUCKET_SAVE_REFRESH_TOKEN: destination, ...env })
    expect([job.status, job.stderr]).toEqual([2, expect.stringMatching(says)])
    expect(bitbucket.requests).toEqual([])
    expect(readdirSync(job.cwd)).toEqual([])
  })
})

test('masks the token in the output of a command, which cannot read it elsewhere', async ({ bitbucket }) => {
  const bin = makeTree()
  writeFileSync(join(bin, 'leak'), '#!/bin/sh\ncat /proc/$PPID/environ /proc/$$/environ; cat >&2\nexit 1\n')
  chmodSync(join(bin, 'leak'), 0o755)
  const job = await refresh(bitbucket, {
    PATH: `${bin}:${process.env['PATH']}`,
    BITBUCKET_SAVE_REFRESH_TOKEN: 'command:leak',
    BITBUCKET_RETRIES: '0',
  })
  expect([job.status, job.stderr]).toEqual([
    4,
    expect.stringContaining('it failed with exit status 1: "***"'),
  ])
})
