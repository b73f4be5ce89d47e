// Clones with isomorphic-git: isomorphic-git.mjs URL DIRECTORY ["credentials"].
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.env.CLIENTS, 'npm/'))
const git = require('isomorphic-git')
const http = require('isomorphic-git/http/node')
const [url, dir, given] = process.argv.slice(2)
const credentials = {
  username: process.env.BITBUCKET_GIT_USERNAME,
  password: process.env.BITBUCKET_ACCESS_TOKEN,
}
await git.clone({ fs, http, dir, url, ...(given && { onAuth: () => credentials }) })
