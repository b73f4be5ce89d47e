import sodium from 'libsodium-wrappers'
import { type ReceivedRequest, type Reply, type Server, serve } from './server.ts'

export interface StoredSecret {
  readonly value: string
  readonly visibility?: unknown
  readonly repositories?: unknown
}

/** GitHub's API for Actions secrets, as docs.github.com describes it. */
export interface GitHub extends Server {
  /** The secrets by path, such as `repos/acme/app/actions/secrets/NAME`. */
  readonly secrets: Map<string, StoredSecret>
  readonly env: Readonly<Record<string, string>>
  readonly token: string
  /** Changes the key pair, as GitHub may at any time. */
  rotateKey(): void
}

const repository = 'acme/app'

export async function startGitHub({
  permission = 'write',
  selected = [],
}: {
  permission?: 'write' | 'read' | 'none'
  selected?: readonly number[]
} = {}): Promise<GitHub> {
  await sodium.ready
  const token = 'github_pat_11ABCDEFG0_a-token-that-may-write-secrets'
  const secrets = new Map<string, StoredSecret>()
  let keys = sodium.crypto_box_keypair()
  let keyNumber = 1
  const places =
    /^(repos\/acme\/app\/actions\/secrets|repos\/acme\/app\/environments\/([^/]|\/)+\/secrets|orgs\/acme\/actions\/secrets)\/(.+)$/

  const server = await serve((asked: ReceivedRequest): Reply => {
    if (asked.headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { message: 'Bad credentials' } }
    const path = asked.path.replace(/^\/api\/v3\//, '')
    const [, place = '', , name = ''] = places.exec(path) ?? []
    if (place === '' || /environments\/(?!production\/|a\/b\/)/.test(place)) return notFound
    if (permission === 'none') return forbidden
    if (asked.method === 'GET' && name === 'public-key') {
      return {
        status: 200,
        body: {
          key_id: String(keyNumber),
          key: sodium.to_base64(keys.publicKey, sodium.base64_variants.ORIGINAL),
        },
      }
    }
    if (asked.method === 'GET' && place.startsWith('orgs/')) {
      const secret = secrets.get(`${place}/${name.replace(/\/repositories$/, '')}`)
      if (secret === undefined) return notFound
      if (!name.endsWith('/repositories'))
        return { status: 200, body: { name, visibility: secret.visibility } }
      const page = Number(asked.query.get('page') ?? 1)
      const ids = selected.slice((page - 1) * 100, page * 100)
      return { status: 200, body: { total_count: selected.length, repositories: ids.map((id) => ({ id })) } }
    }
    if (asked.method !== 'PUT') return notFound
    if (permission === 'read') return forbidden
    const {
      encrypted_value: sealed,
      key_id: keyId,
      visibility,
      selected_repository_ids: repositories,
    } = asked.body
    if (keyId !== String(keyNumber)) return { status: 422, body: { message: 'Bad key id' } }
    if (place.startsWith('orgs/') && visibility === undefined) {
      return { status: 422, body: { message: 'Invalid request.\n\n"visibility" wasn\'t supplied.' } }
    }
    const box = sodium.from_base64(String(sealed), sodium.base64_variants.ORIGINAL)
    const value = sodium.to_string(sodium.crypto_box_seal_open(box, keys.publicKey, keys.privateKey))
    const isNew = !secrets.has(`${place}/${name}`)
    secrets.set(`${place}/${name}`, { value, visibility, repositories })
    return { status: isNew ? 201 : 204 }
  })
  return {
    ...server,
    secrets,
    token,
    env: { GITHUB_API_URL: `${server.url}/api/v3`, GITHUB_REPOSITORY: repository },
    rotateKey() {
      keys = sodium.crypto_box_keypair()
      keyNumber++
    },
  }
}

const notFound: Reply = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' },
}
const forbidden: Reply = { status: 403, body: { message: 'Resource not accessible by integration' } }
