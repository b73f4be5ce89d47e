import {
  canAccess,
  hasScope,
  missingScopes,
  type RequiredScope,
  readRepository,
  repositoryNotFound,
  writeRepository,
} from './access.ts'
import { type Accounts, repository } from './accounts.ts'
import { authenticateGit, parseAuthorization } from './authorization.ts'
import { type Answer, type Exchange, json, parseJson } from './exchange.ts'
import { GitMissing } from './git-repositories.ts'
import type { LfsMedia } from './lfs-media.ts'

const resources = /^\/([^/]+\/[^/]+?)(?:\.git)?\/info\/lfs\/(.+)$/

/** Whether this path belongs to the Git LFS API. */
export function isLfsPath(path: string): boolean {
  return resources.test(path)
}

// Bitbucket's verification URL contains the repository's id, so git configuration for the repository's name does not apply
// to it (git-lfs issues 2058 and 3770).
const byUuid = `%7B%7D/${encodeURIComponent(repository.uuid)}`

/** Answers the Git LFS API (git-lfs, docs/api): checks the credential, and returns URLs of the media host for the files. */
export async function answerLfs(
  { req, url, body }: Exchange,
  accounts: Accounts,
  media: LfsMedia,
  webUrl: string,
): Promise<Answer> {
  const [, name = '', resource = ''] = resources.exec(url.pathname) ?? []
  const fullName = name === byUuid ? repository.fullName : name

  const presented = parseAuthorization(req.headers.authorization)
  // Bitbucket does not answer 401 here, so git-lfs asks a credential helper only if it is configured to (git-lfs issues 2658
  // and 2675).
  if (presented.scheme === 'none') return message(403, repositoryNotFound)
  const token = authenticateGit(presented, accounts)
  // A wrong credential gets a 401 (git-lfs issue 2833).
  if (token === undefined) {
    return message(401, repositoryNotFound, { 'lfs-authenticate': 'Basic realm="Bitbucket.org HTTP"' })
  }
  const refusal = (required: RequiredScope) => {
    if (!hasScope(token, required)) return message(403, missingScopes)
    return canAccess(token, fullName) ? undefined : message(404, repositoryNotFound)
  }

  try {
    if (req.method === 'POST' && resource === 'objects/batch') {
      const batch = parseBatch(body)
      if (batch === undefined) return message(422, 'This is not a batch request of Git LFS.')
      const refused = refusal(batch.operation === 'upload' ? writeRepository : readRepository)
      if (refused !== undefined) return refused
      const objects = await Promise.all(batch.objects.map((object) => locate(object, batch, media, webUrl)))
      return lfsJson(200, { transfer: 'basic', objects })
    }
    if (req.method === 'POST' && resource === 'object/verify') {
      const object = parseJson(body)
      const found = isLfsObject(object) && (await media.size(object.oid)) !== undefined
      // It is unknown whether Bitbucket requires the credential here too. The sandbox does, because that is harder for a client.
      return refusal(writeRepository) ?? (found ? lfsJson(200, {}) : message(404, 'Object does not exist'))
    }
  } catch (error) {
    if (!(error instanceof GitMissing)) throw error
    return message(501, error.message)
  }
  // This includes locks. A server may lack them, and git-lfs then pushes without asking again.
  return refusal(readRepository) ?? message(404, 'Not found')
}

interface LfsObject {
  oid: string
  size: number
}

interface Batch {
  operation: 'download' | 'upload'
  objects: LfsObject[]
}

/** Returns the batch API's answer for one object. */
async function locate(
  { oid, size }: LfsObject,
  { operation }: Batch,
  media: LfsMedia,
  webUrl: string,
): Promise<object> {
  const stored = await media.size(oid)
  if (operation === 'download') {
    if (stored === undefined) return { oid, size, error: { code: 404, message: 'Object does not exist' } }
    return { oid, size: stored, actions: { download: { href: await media.sign('GET', oid) } } }
  }
  if (stored !== undefined) return { oid, size }
  const verify = { href: `${webUrl}/${byUuid}/info/lfs/object/verify?upload_id=${oid}` }
  return { oid, size, actions: { upload: { href: await media.sign('PUT', oid) }, verify } }
}

function parseBatch(body: string): Batch | undefined {
  const { operation, objects } = parseJson(body)
  if ((operation !== 'download' && operation !== 'upload') || !Array.isArray(objects)) return undefined
  return objects.every(isLfsObject) ? { operation, objects } : undefined
}

function isLfsObject(value: unknown): value is LfsObject {
  if (typeof value !== 'object' || value === null || !('oid' in value) || !('size' in value)) return false
  // The id is used as a file name, so only hexadecimal digits are allowed.
  return typeof value.oid === 'string' && /^[0-9a-f]{64}$/.test(value.oid) && typeof value.size === 'number'
}

function message(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return lfsJson(status, { message: text }, headers)
}

function lfsJson(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return json(status, body, { 'content-type': 'application/vnd.git-lfs+json', ...headers })
}
