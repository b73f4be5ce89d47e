import { resolve } from 'node:path'
import type { IssuedToken } from '../bitbucket/token-endpoint.ts'
import type { AuthorizeFlags } from '../command-line.ts'
import { documentUrl } from '../documentation.ts'
import { TokenError } from '../errors.ts'
import { bareLine, writeData } from '../hosts/formats.ts'
import type { Run } from '../run.ts'
import type { Secret } from '../secret.ts'
import { probeSecretFile, replaceSecretFile } from '../secret-file.ts'
import { checkReplaceable } from '../stores/file.ts'
import { parseStorePlace } from '../stores/place.ts'
import { openStoreFor, saveWithRetries, unwritableError } from './refresh-token-saving.ts'
import { httpFor } from './requests.ts'

/** A token and the time when it was issued, in milliseconds since the epoch. */
export type Issued = IssuedToken & { readonly issuedAt: number }

/** A place to which the token is written. */
export interface Destination {
  /** In words: `the file /data/refresh-token`. */
  readonly name: string
  /** @param token the token to save; `issued` is Bitbucket's whole answer */
  save(token: Secret, issued: Issued): Promise<void>
}

/**
 * Opens every destination that the user named, and checks that it can be written.
 * @throws {TokenError} `input` if the user named none; `store-unwritable`
 */
export async function openDestinations(
  { outputFile, showToken, implicit }: AuthorizeFlags,
  run: Run,
): Promise<Destination[]> {
  const store = run.inputs()['save-refresh-token']
  const stores = run.rawInputs.nameOf('save-refresh-token')
  if (store !== undefined && implicit) {
    throw new TokenError(
      'input',
      `${stores} is set, but the implicit grant returns no refresh token.`,
      'Remove one of the two. For an access token, use --output-file or --show-token.',
    )
  }
  const destinations: Destination[] = []
  if (store !== undefined) destinations.push(await storeAt(store, run))
  if (outputFile !== undefined) destinations.push(fileAt(resolve(run.world.cwd, outputFile), run.world.cwd))
  if (showToken) destinations.push(standardOutput(run))
  if (destinations.length > 0) return destinations
  throw new TokenError(
    'input',
    'No destination was given for the token.',
    [
      'Choose at least one:',
      ...(implicit
        ? []
        : [`- ${stores}, a store that your jobs can read (${documentUrl('refresh-tokens.md')})`]),
      '- --output-file PATH, a file that only you can read',
      '- --show-token, which prints the token on stdout',
    ].join('\n'),
  )
}

async function storeAt(text: string, run: Run): Promise<Destination> {
  const place = parseStorePlace(text, run.rawInputs.nameOf('save-refresh-token'))
  // Minutes pass between the check and the save, so each gets its own deadline.
  let http = await httpFor(run)
  const store = openStoreFor(place, run, (request) => http(request))
  const alone = (work: () => Promise<unknown>) => store.alone?.(work) ?? work()
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work()
    } catch (error) {
      throw unwritableError(
        error,
        `The refresh token could not be saved in ${store.name}`,
        'Then run this again. You can grant access as often as you need.',
      )
    }
  }
  await attempt(async () => {
    await store.check()
    await alone(async () => {})
  })
  return {
    name: store.name,
    async save(refreshToken, { token, issuedAt, expiresIn, scopes }) {
      http = await httpFor(run)
      const limit = run.inputs().timeout * 1_000
      const access = { token, issuedAt, expiresAt: issuedAt + expiresIn * 1_000, scopes }
      await attempt(() => alone(() => saveWithRetries(store, { refreshToken, access }, limit, run)))
    },
  }
}

function fileAt(path: string, cwd: string): Destination {
  checkReplaceable(path, cwd)
  probeSecretFile(path)
  return {
    name: `the file ${path}`,
    async save(token) {
      replaceSecretFile(path, token)
    },
  }
}

const standardOutput = ({ world }: Run): Destination => ({
  name: 'stdout',
  async save(token) {
    writeData(world, bareLine(token))
  },
})
