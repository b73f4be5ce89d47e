// The smallest program that does the main job of the action. `npm run bench` compares the action with it. It sends one
// request with node:https, without retries, a deadline or any checks.
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'

const { env } = process
const basic = Buffer.from(`${env['INPUT_CLIENT-ID']}:${env['INPUT_CLIENT-SECRET']}`).toString('base64')
const call = request(
  `${env.INPUT_URL}/site/oauth2/access_token`,
  {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
  },
  (response) => {
    let body = ''
    response.on('data', (chunk) => {
      body += chunk
    })
    response.on('end', () => {
      const token = JSON.parse(body).access_token
      process.stdout.write(`::add-mask::${token}\n`)
      const file = join(mkdtempSync(join(env.RUNNER_TEMP, 'token-')), 'git-credentials')
      writeFileSync(file, `https://x-token-auth:${encodeURIComponent(token)}@bitbucket.org\n`, {
        mode: 0o600,
      })
      appendFileSync(
        env.GITHUB_ENV,
        `BITBUCKET_ACCESS_TOKEN=${token}\nBITBUCKET_GIT_CREDENTIALS_FILE=${file}\n`,
      )
      appendFileSync(env.GITHUB_OUTPUT, `access-token=${token}\n`)
    })
  },
)
call.end('grant_type=client_credentials')
