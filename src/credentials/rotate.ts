import type { Credential } from '../bitbucket/credential.ts'
import { TokenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { digest } from '../stores/digest.ts'
import type { IssuedTokens, StoredTokens, TokenStore } from '../stores/store.ts'
import { bearer } from './bearer.ts'
import { type ChosenCredential, definitionOfKind } from './index.ts'

/** The credentials to try, in this order. There are several if it is unknown which refresh token is the newest. */
export type Candidates = readonly [ChosenCredential, ...ChosenCredential[]]

/** What {@link rotate} needs from its caller: all in which the command line and the library differ. */
export interface RotateOptions {
  /** Undefined if nothing is kept. */
  readonly store: TokenStore | undefined
  /** Returns the credentials to try, with the refresh tokens of {@link newestFirst}. */
  candidates(stored: StoredTokens | undefined): Candidates | Promise<Candidates>
  /** Decides about a credential that another job has saved. Returns what to use; undefined if it is not good enough. */
  acceptShared(saved: Credential, stored: StoredTokens): Credential | undefined
  /** Asks Bitbucket for a credential. `isLast` tells whether there is no other candidate. */
  obtain(chosen: ChosenCredential, isLast: boolean): Promise<Credential>
  /** Is called if Bitbucket has refused a refresh token and another one is tried. */
  onRefusal(error: TokenError): void
  /** Saves the tokens in the store. `credential` is what Bitbucket has returned. */
  save(tokens: IssuedTokens, credential: Credential): Promise<void>
  /** Hides a secret that the store has loaded. */
  hide(secret: Secret): void
}

/**
 * Gets a credential whose tokens are kept in a store, because Bitbucket replaces a refresh token with each use. While no
 * other job does the same, it
 *
 * 1. loads the newest tokens
 * 2. returns the access token of another job, if that one is good enough
 * 3. spends the newest refresh token, or if Bitbucket refuses it, the other one
 * 4. saves the new tokens
 *
 * @throws whatever the functions in `options` throw. Nothing is spent if that happens before `obtain`.
 */
export function rotate(options: RotateOptions): Promise<Credential> {
  const { store } = options
  const work = async () => {
    const stored = await load(options)
    const candidates = await options.candidates(stored)
    const shared = sharedCredential(stored, candidates, options)
    if (shared !== undefined) return shared
    const { credential, spent } = await spend(candidates, options)
    await save(credential, spent, options)
    return credential
  }
  return store?.alone === undefined ? work() : store.alone(work)
}

async function load({ store, hide }: RotateOptions): Promise<StoredTokens | undefined> {
  const stored = await store?.load()
  for (const secret of [stored?.refreshToken, stored?.access?.token]) if (secret !== undefined) hide(secret)
  return stored
}

function sharedCredential(
  stored: StoredTokens | undefined,
  [{ kind }]: Candidates,
  { acceptShared }: RotateOptions,
): Credential | undefined {
  const { access, refreshToken } = stored ?? {}
  if (stored === undefined || access === undefined || (access.kind ?? 'refresh-token') !== kind)
    return undefined
  const { token, issuedAt, expiresAt, scopes } = access
  const expiresIn = (expiresAt - issuedAt) / 1_000
  return acceptShared({ ...bearer(kind, token), expiresIn, expiresAt, scopes, refreshToken }, stored)
}

/** Tries the candidates in turn, until Bitbucket accepts one. Any error other than a refusal ends this. */
async function spend(
  [chosen, ...others]: Candidates,
  options: RotateOptions,
): Promise<{ credential: Credential; spent: Secret | undefined }> {
  const [next, ...rest] = others
  try {
    const credential = await options.obtain(chosen, next === undefined)
    return { credential, spent: chosen.inputs['refresh-token'] }
  } catch (error) {
    const isRefusal = error instanceof TokenError && error.code === 'credential-refused'
    if (!isRefusal || next === undefined) throw error
    options.onRefusal(error)
    return spend([next, ...rest], options)
  }
}

async function save(
  credential: Credential,
  spent: Secret | undefined,
  options: RotateOptions,
): Promise<void> {
  const { kind, secret, expiresIn = 0, expiresAt, scopes, refreshToken } = credential
  // A token that the user made and gave needs no saving.
  if (expiresAt === undefined || !definitionOfKind(kind).isIssued) return
  const access = { token: secret, issuedAt: expiresAt - expiresIn * 1_000, expiresAt, scopes, kind }
  // Without a new refresh token, the one that was used stays valid.
  await options.save({ refreshToken: spent && (refreshToken ?? spent), access }, credential)
}

/**
 * Returns the refresh tokens to try, in this order and without duplicates.
 * @param given the one that the user gave
 * @param remembered the newest one that this process knows
 */
export function newestFirst(
  stored: StoredTokens | undefined,
  given: Secret | undefined,
  remembered?: Secret,
): Secret[] {
  const { startedWith, refreshToken } = stored ?? {}
  const isReauthorised = given !== undefined && startedWith !== undefined && startedWith !== digest([given])
  const inOrder = isReauthorised ? [remembered, given, refreshToken] : [remembered, refreshToken, given]
  return inOrder
    .filter((token) => token !== undefined)
    .filter((token, index, all) => all.findIndex((other) => other.equals(token)) === index)
}
