import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startGitHub } from '../../stores/support/github.ts'
import { startGitLab } from '../../stores/support/gitlab.ts'
import { makeTree } from './run.ts'
import { type Bitbucket, step } from './store-runs.ts'

/** Where the refresh token is stored between two jobs, and how the next job gets it. */
export interface Place {
  /** Returns the token that is stored now. */
  stored(): string
  /** Stores a token as a person would. */
  put(token: string): void | Promise<void>
  /** Returns the variables that a job gets from its CI, without anything from an earlier run. */
  job(): Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
}

/** The scopes that the consumer needs so that every store can be written. */
export const scopes = ['account', 'repository', 'pipeline', 'pipeline:variable']

/** Makes each store, with its first token in it. */
export const places: Readonly<Record<string, (bitbucket: Bitbucket) => Promise<Place>>> = {
  'bitbucket-variable': async (bitbucket) => {
    const stored = () => bitbucket.variables()[0]?.value ?? ''
    const put = async (token: string) => {
      const authorization = `Bearer ${bitbucket.issue('oauth-token', { scopes })}`
      const url = `${bitbucket.apiUrl}/2.0/repositories/${bitbucket.repository}/pipelines_config/variables`
      const uuid = bitbucket.variables()[0]?.uuid
      await fetch(uuid === undefined ? url : `${url}/${encodeURIComponent(uuid)}`, {
        method: uuid === undefined ? 'POST' : 'PUT',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ key: 'BITBUCKET_REFRESH_TOKEN', value: token, secured: true }),
      })
    }
    await put(bitbucket.credentials.refreshToken)
    return {
      stored,
      put,
      job: () => ({
        BITBUCKET_SAVE_REFRESH_TOKEN: 'bitbucket-variable',
        BITBUCKET_REPO_FULL_NAME: bitbucket.repository,
        BITBUCKET_REFRESH_TOKEN: stored(),
      }),
    }
  },

  'github-secret': async (bitbucket) => {
    const github = await startGitHub()
    const secret = 'repos/acme/app/actions/secrets/BITBUCKET_REFRESH_TOKEN'
    const stored = () => github.secrets.get(secret)?.value ?? ''
    const put = (token: string) => void github.secrets.set(secret, { value: token })
    put(bitbucket.credentials.refreshToken)
    return {
      stored,
      put,
      secrets: [github.token],
      job: () => ({
        ...github.env,
        ...step(bitbucket, {
          'refresh-token': stored(),
          'save-refresh-token': 'github-secret',
          'github-token': github.token,
        }).env,
      }),
    }
  },

  'gitlab-variable': async (bitbucket) => {
    const gitlab = await startGitLab()
    const put = (value: string) => {
      const usual = { masked: true, raw: true, protected: true, hidden: false, environment_scope: '*' }
      gitlab.variables.splice(0, 1, { ...usual, key: 'BITBUCKET_REFRESH_TOKEN', value })
    }
    const stored = () => gitlab.variables[0]?.value ?? ''
    put(bitbucket.credentials.refreshToken)
    return {
      stored,
      put,
      secrets: [gitlab.token],
      job: () => ({
        ...gitlab.env,
        GITLAB_CI: 'true',
        BITBUCKET_SAVE_REFRESH_TOKEN: 'gitlab-variable',
        BITBUCKET_GITLAB_TOKEN: gitlab.token,
        BITBUCKET_REFRESH_TOKEN: stored(),
      }),
    }
  },

  file: async (bitbucket) => {
    const file = join(makeTree(), 'refresh-token')
    const put = (token: string) => writeFileSync(file, `${token}\n`)
    put(bitbucket.credentials.refreshToken)
    return {
      stored: () => readFileSync(file, 'utf8').trim(),
      put,
      job: () => ({ BITBUCKET_SAVE_REFRESH_TOKEN: `file:${file}` }),
    }
  },

  command: async (bitbucket) => {
    const file = join(makeTree(), 'vault')
    const put = (token: string) => writeFileSync(file, token)
    const stored = () => readFileSync(file, 'utf8')
    put(bitbucket.credentials.refreshToken)
    return {
      stored,
      put,
      job: () => ({
        VAULT: file,
        BITBUCKET_SAVE_REFRESH_TOKEN: 'command:cat > "$VAULT.new" && mv "$VAULT.new" "$VAULT"',
        BITBUCKET_REFRESH_TOKEN: stored(),
      }),
    }
  },
}
