// Reads a repository with the npm package `bitbucket`: bitbucket.mjs REPOSITORY ["token"].
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.env.CLIENTS, 'npm/'))
const { Bitbucket } = require('bitbucket')
const [repository, given] = process.argv.slice(2)
const [workspace, repo_slug] = repository.split('/')
const client = new Bitbucket({
  baseUrl: `${process.env.BITBUCKET_API_URL}/2.0`,
  notice: false,
  ...(given && { auth: { token: process.env.BITBUCKET_ACCESS_TOKEN } }),
})
try {
  const { data } = await client.repositories.get({ workspace, repo_slug })
  console.log(data.full_name)
} catch (error) {
  // Its stack would come with a line of the package, which is as long as the package.
  console.error(`${error.name}: ${error.status} ${error.message}`)
  process.exitCode = 1
}
