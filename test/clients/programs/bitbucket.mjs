// Reads a repository with the npm package `bitbucket`: bitbucket.mjs REPOSITORY ["token" | "api-token"].
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.env.CLIENTS, 'npm/'))
const { Bitbucket } = require('bitbucket')
const [repository, given] = process.argv.slice(2)
const auths = {
  token: { token: process.env.BITBUCKET_ACCESS_TOKEN },
  'api-token': { username: process.env.BITBUCKET_EMAIL, password: process.env.BITBUCKET_ACCESS_TOKEN },
}
const [workspace, repo_slug] = repository.split('/')
const client = new Bitbucket({
  baseUrl: `${process.env.BITBUCKET_API_URL}/2.0`,
  notice: false,
  ...(given && { auth: auths[given] }),
})
try {
  const { data } = await client.repositories.get({ workspace, repo_slug })
  console.log(data.full_name)
} catch (error) {
  // Prints no stack, because it would contain a line of the package, which is as long as the whole package.
  console.error(`${error.name}: ${error.status} ${error.message}`)
  process.exitCode = 1
}
