import type { Credential } from '../bitbucket/credential.ts'
import type { GitOperation } from '../command-line.ts'
import { bearer } from '../credentials/bearer.ts'
import { askBitbucket } from '../credentials/verify.ts'
import { reasonOf, TokenError } from '../errors.ts'
import { coversPath } from '../git/git-path.ts'
import { refusalLimit } from '../git/helper.ts'
import { writeData } from '../hosts/formats.ts'
import type { Inputs } from '../inputs.ts'
import type { Run } from '../run.ts'
import { Secret } from '../secret.ts'
import { refusalsCountFor } from '../stores/refusal-count.ts'
import type { TokenCache } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { httpFor } from './requests.ts'
import { brokerOf, currentToken, sourceOnDisk, type TokenSource } from './token-source.ts'

/**
 * Speaks git's credential helper protocol (git: Documentation/git-credential.txt), for users who configure it by hand:
 *
 *     git config credential.https://bitbucket.org.helper '!bitbucket-token git-credential'
 *
 * `get` answers only for Bitbucket's host, and with `git-path` only for those paths. `erase` forgets a refused token and
 * counts the refusal, because git-lfs asks again after each refusal, without end (git-lfs issue 2833). `store` resets the
 * count. `erase` and `store` never fail. stdout is only for git.
 * @param request what git writes to standard input
 */
export async function gitCredential(run: Run, operation: GitOperation, request: string): Promise<void> {
  const answer = await (brokerOf(run)?.git(operation, request) ??
    answerGit(run, sourceOnDisk, operation, request))
  writeData(run.world, answer)
}

/**
 * Answers a request of git.
 * @param sourceFor returns the source of the token that git uses
 * @returns what git reads
 */
export async function answerGit(
  run: Run,
  sourceFor: (run: Run) => TokenSource,
  operation: GitOperation,
  request: string,
): Promise<Secret> {
  const asked = parseAttributes(request)
  if (operation === 'get') return isFor(run.inputs(), asked) ? get(sourceFor(run), run) : nothing
  try {
    const password = asked.get('password')
    if (password !== undefined && isFor(run.inputs(), asked)) {
      const source = sourceFor(run)
      if (operation === 'store') source.refusals.clear()
      else await recordRefusal(source, new Secret(password), run)
    }
  } catch (error) {
    // Not an error for git: if the inputs are invalid, no token was kept, so there is nothing to forget.
    run.host.log.debug(reasonOf(error))
  }
  return nothing
}

const nothing = new Secret('')

async function get(source: TokenSource, run: Run): Promise<Secret> {
  if (source.refusals.count() >= refusalLimit) return stopAsking(run)
  await renewIfInvalid(source, run)
  const { secret, gitUsername, expiresAt } = await currentToken(source, run)
  const expiry = expiresAt === undefined ? '' : `password_expiry_utc=${Math.floor(expiresAt / 1_000)}\n`
  return secret.derive((password) => `username=${gitUsername}\npassword=${password}\n${expiry}`)
}

/** Makes git stop, so that it does not ask the next helper or a person (git: credential.c, `quit`). */
function stopAsking({ host }: Run): Secret {
  host.log.error(
    `Bitbucket refused this credential ${refusalLimit} times, so git does not get it again for ${refusalsCountFor / 60_000} minutes.\nRun bitbucket-token check to find out why.`,
  )
  return new Secret('quit=1\n')
}

/** For how many milliseconds a token counts as just issued. */
const justIssued = 60_000

/** Counts a refusal of one of our tokens, and forgets the token unless it was just issued: see {@link renewIfInvalid}. */
async function recordRefusal(
  { cache, refusals, obtain }: TokenSource,
  password: Secret,
  { world }: Run,
): Promise<void> {
  const token = cache === undefined ? (await obtain()).secret : cache.peek()?.token
  if (!token?.equals(password)) return
  if (!isJustIssued(cache, world)) await cache?.forget(password)
  await refusals.add()
}

const isJustIssued = (cache: TokenCache | undefined, { now }: World): boolean => {
  const cached = cache?.peek()
  return cached !== undefined && now() - (cached.expiresAt - cached.lifetime) <= justIssued
}

/**
 * Forgets a token that was refused right after it was issued, if Bitbucket says that it is no longer valid. Does so only
 * once, because a second new token would be refused as well.
 */
async function renewIfInvalid({ cache, refusals, kind }: TokenSource, run: Run): Promise<void> {
  const cached = cache?.peek()
  if (cache === undefined || cached === undefined) return
  if (refusals.count() === 0 || refusals.isRenewed() || !isJustIssued(cache, run.world)) return
  if (!(await isInvalid(bearer(kind, cached.token), run))) return
  await cache.forget(cached.token)
  await refusals.renewed()
}

async function isInvalid(credential: Credential, run: Run): Promise<boolean> {
  try {
    await askBitbucket(credential, undefined, await httpFor(run), run.inputs()['api-url'])
    return false
  } catch (error) {
    return error instanceof TokenError && error.code === 'credential-refused'
  }
}

/**
 * Parses `key=value` lines up to an empty line, and splits `url` into its parts (git: Documentation/git-credential.txt).
 * Other attributes (`capability[]`, `wwwauth[]`, …) have no effect.
 */
function parseAttributes(request: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (const line of request.split(/\r?\n/)) {
    if (line === '') break
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(line) ?? []
    attributes.set(key, value)
    const [, protocol, host, path] =
      key === 'url' ? (/^([^:/]*):\/\/(?:[^@/]*@)?([^/]*)(?:\/(.+))?/.exec(value) ?? []) : []
    if (protocol !== undefined && host !== undefined) {
      attributes.set('protocol', protocol)
      attributes.set('host', host)
      if (path !== undefined) attributes.set('path', path)
    }
  }
  return attributes
}

/**
 * Whether git asks about this server and, if git sends a path, about one of the paths in `git-path`. git sends a path only
 * with `useHttpPath`. Without it, git's configuration alone decides which URLs belong to this helper. git sends the host as it is
 * in the repository's address. When git compares it with its configuration, it ignores case and the default port (git:
 * urlmatch.c).
 */
function isFor({ url, 'git-path': paths }: Inputs, asked: ReadonlyMap<string, string>): boolean {
  const path = asked.get('path')
  if (path !== undefined && !coversPath(paths, path)) return false
  const [protocol = '', host = ''] = ['protocol', 'host'].map((name) => asked.get(name))
  // Any other character would belong to another part of the address.
  if (!/^https?$/i.test(protocol) || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(host)) return false
  const address = `${protocol}://${host}`
  return URL.canParse(address) && new URL(address).origin === url.origin
}
