import {
  holds,
  lackingScopes,
  noSuchRepository,
  type RequiredScope,
  reaches,
  readRepository,
  writeRepository,
} from './access.ts'
import { type Accounts, repository } from './accounts.ts'
import { type Answer, json } from './answers.ts'
import { parseAuthorization } from './authorization.ts'
import type { Exchange } from './exchange.ts'
import { authenticateGit } from './git-authentication.ts'
import { GitMissing } from './git-repositories.ts'
import type { LfsMedia } from './lfs-media.ts'

const resources = /^\/([^/]+\/[^/]+?)(?:\.git)?\/info\/lfs\/(.+)$/

/** Whether this path belongs to the Git LFS API. */
export function isLfsPath(path: string): boolean {
  return resources.test(path)
}

// Bitbucket asks for the verification under the repository's id, whose path no configuration for its name covers
// (git-lfs issues 2058 and 3770).
const byUuid = `%7B%7D/${encodeURIComponent(repository.uuid)}`

/** The Git LFS API (git-lfs, docs/api): who may do what, and where the files are; they come from the media host. */
export async function answerLfs(
  { req, url, body }: Exchange,
  accounts: Accounts,
  media: LfsMedia,
  webUrl: string,
): Promise<Answer> {
  const [, name = '', resource = ''] = resources.exec(url.pathname) ?? []
  const fullName = name === byUuid ? repository.fullName : name

  const presented = parseAuthorization(req.headers.authorization)
  // Not 401, so git-lfs never asks a credential helper unless it is told to (git-lfs issues 2658 and 2675).
  if (presented.scheme === 'none') return message(403, noSuchRepository)
  const token = authenticateGit(presented, accounts)
  // A wrong credential does get a 401 (git-lfs issue 2833).
  if (token === undefined) {
    return message(401, noSuchRepository, { 'lfs-authenticate': 'Basic realm="Bitbucket.org HTTP"' })
  }
  const refusal = (required: RequiredScope) => {
    if (!holds(token, required)) return message(403, lackingScopes)
    return reaches(token, fullName) ? undefined : message(404, noSuchRepository)
  }

  try {
    if (req.method === 'POST' && resource === 'objects/batch') {
      const batch = parseBatch(body)
      if (batch === undefined) return message(422, 'This is not a batch request of Git LFS.')
      return (
        refusal(batch.operation === 'upload' ? writeRepository : readRepository) ??
        lfsJson(200, {
          transfer: 'basic',
          objects: await Promise.all(batch.objects.map((object) => locate(object, batch, media, webUrl))),
        })
      )
    }
    if (req.method === 'POST' && resource === 'object/verify') {
      const { oid } = parseObject(body) ?? {}
      const found = oid !== undefined && (await media.size(oid)) !== undefined
      // Whether Bitbucket wants the credential here too is not known; that it does asks most of a client.
      return refusal(writeRepository) ?? (found ? lfsJson(200, {}) : message(404, 'Object does not exist'))
    }
  } catch (error) {
    if (!(error instanceof GitMissing)) throw error
    return message(501, error.message)
  }
  // Locks among them: a server may do without, and git-lfs then pushes without asking again.
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

/** What the batch API answers for one object. */
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
  return objects.every(isObject) ? { operation, objects } : undefined
}

function parseObject(body: string): LfsObject | undefined {
  const object = parseJson(body)
  return isObject(object) ? object : undefined
}

function isObject(value: unknown): value is LfsObject {
  if (typeof value !== 'object' || value === null || !('oid' in value) || !('size' in value)) return false
  // The id becomes the name of a file.
  return typeof value.oid === 'string' && /^[0-9a-f]{64}$/.test(value.oid) && typeof value.size === 'number'
}

function parseJson(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body))
  } catch {
    return {}
  }
}

function message(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return lfsJson(status, { message: text }, headers)
}

function lfsJson(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return json(status, body, { 'content-type': 'application/vnd.git-lfs+json', ...headers })
}
