import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { reasonOf, TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { delayBefore } from '../http/retry.ts'
import type { Inputs } from '../inputs.ts'
import { Secret, travelingForms } from '../secret.ts'
import { openStore } from '../stores/index.ts'
import { parseStorePlace, type StorePlace } from '../stores/place.ts'
import type { RenewedAccess, Store, StoredTokens } from '../stores/store.ts'
import type { World } from '../world.ts'
import { endpointsOf, hide, hideIssued, openHttp, type Run } from './credential.ts'

/** What a refresh through a store brought. */
export interface Renewal {
  readonly token: AccessToken
  /** Why the new refresh token is not in the store. It was handed over in another way; the run must fail all the same. */
  readonly unsaved: TokenError | undefined
}

/** A refresh token that is kept in a store from one run to the next. */
export interface Rotation {
  /** The inputs, with the newest refresh token in them. */
  readonly inputs: Inputs
  readonly http: Http
  renew(credential: GivenCredential): Promise<Renewal>
}

/** A spent token's successor is worth this much time, in milliseconds, even if the timeout has none left. */
const leastTimeToSave = 15_000

/**
 * Opens the store that `save-refresh-token` names and makes sure, as far as that can be told by now, that it can be
 * written: what is spent without a place for its successor is lost.
 * @throws {TokenError} `input`, `store-unwritable`, `interrupted`
 */
export async function openRotation(destination: string, inputs: Inputs, run: Run): Promise<Rotation> {
  const { world, host, given } = run
  const what = given.nameOf('save-refresh-token')
  const place = parseStorePlace(destination, what)
  if (inputs.grant !== 'auto' && inputs.grant !== 'refresh-token') {
    throw new TokenError(
      'input',
      `${what} is given, but ${given.nameOf('grant')} is ${inputs.grant}: only the refresh grant brings a refresh token.`,
      'Remove one of the two.',
    )
  }
  // What else is wrong with the inputs is told before anything is sent. The token itself may come from the store.
  const anyToken = inputs['refresh-token'] ?? new Secret('any')
  chooseCredential({ ...inputs, 'refresh-token': anyToken }, inputs.grant, {
    ...given,
    whyEmpty: host.whyEmpty,
  })
  const begun = world.elapsed()
  const patience = inputs.timeout * 1_000
  const usual = await openHttp(inputs, run)
  let http = usual
  const store = await openPlace(place, inputs, run, (request) => http(request))

  const load = async (): Promise<StoredTokens | undefined> => {
    const stored = await store.load()
    if (stored !== undefined) hide(travelingForms(stored.refreshToken), run)
    return stored
  }
  const stored = await beforeSpending(store, async () => {
    await store.check()
    return load()
  })
  const newest = stored?.refreshToken ?? inputs['refresh-token']
  if (newest === undefined) {
    throw new TokenError(
      'input',
      `${what} says where the new refresh token goes, but ${given.nameOf('refresh-token')} is empty, and ${store.name} holds none that can be read.`,
      `Give the first refresh token.\n${host.whyEmpty}`,
    )
  }

  /** What another run got while this one waited or started; undefined where there is no such thing. */
  const shared = async (): Promise<Renewal | undefined> => {
    const access = (await load())?.access
    if (access === undefined || !isAsGoodAsNew(access, world)) return undefined
    const token: AccessToken = {
      ...bearer('refresh-token', access.token),
      expiresIn: Math.floor((access.expiresAt - world.now()) / 1_000),
      scopes: access.scopes,
    }
    hideIssued(token, run)
    host.log.info(`Another run has just refreshed the token in ${store.name}; this one shares it.`)
    return { token, unsaved: undefined }
  }

  /** The newest token, and if that is refused, the one that was given: it may have been replaced by hand. */
  const refresh = async (
    credential: RefreshCredential,
    newest: Secret | undefined,
  ): Promise<{ token: AccessToken; spent: Secret }> => {
    const sent = inputs['refresh-token']
    const candidates = [newest, sent].filter((one) => one !== undefined)
    const [first = credential.refreshToken, second] = candidates
    const send = async (refreshToken: Secret) => ({
      token: await obtain({ ...credential, refreshToken }, endpointsOf(usual, inputs, run)).catch((error) => {
        throw isRefusal(error) ? withTheWayOut(error, store) : error
      }),
      spent: refreshToken,
    })
    if (second === undefined || second.equals(first)) return send(first)
    host.log.info(
      `The refresh token in ${store.name} is used, not the one in ${given.nameOf('refresh-token')}.`,
    )
    try {
      return await send(first)
    } catch (error) {
      if (!isRefusal(error)) throw error
      host.log.warning(
        `Bitbucket refused it, so the one in ${given.nameOf('refresh-token')} is tried. ${error.message}`,
      )
      return send(second)
    }
  }

  const refreshAndSave = async (
    credential: RefreshCredential,
    newest: Secret | undefined,
  ): Promise<Renewal> => {
    const { token, spent } = await refresh(credential, newest)
    hideIssued(token, run)
    return { token, unsaved: await save(token, spent) }
  }

  const save = async (token: AccessToken, spent: Secret): Promise<TokenError | undefined> => {
    // Clients whose tokens do not rotate yet; a store that is shared still tells the others of the access token.
    if (token.refreshToken === undefined && store.alone === undefined) return undefined
    const spentAt = world.now()
    const limit = Math.max(patience - (world.elapsed() - begun), leastTimeToSave)
    // The first signal must not cost the new token; a second one ends the process anyway.
    const calm: World = { ...world, stop: new AbortController().signal }
    http = await openHttp(inputs, { host, world: calm }, limit)
    const tokens = {
      refreshToken: token.refreshToken ?? spent,
      access: {
        token: token.token,
        issuedAt: spentAt,
        expiresAt: spentAt + (token.expiresIn ?? 0) * 1_000,
        scopes: token.scopes,
      },
    }
    try {
      await saveInTime(store, tokens, { limit, retries: inputs.retries, world: calm, host })
      if (token.refreshToken !== undefined) host.log.info(`The new refresh token is in ${store.name}.`)
      return undefined
    } catch (error) {
      if (token.refreshToken === undefined) return undefined
      return unsavedError(store, token.refreshToken, error, spentAt, run)
    }
  }

  return {
    inputs: { ...inputs, 'refresh-token': newest, grant: 'refresh-token' },
    http: usual,
    async renew(credential) {
      if (credential.kind !== 'refresh-token') throw new Error(`a ${credential.kind} is not renewed`)
      if (store.alone === undefined) return refreshAndSave(credential, stored?.refreshToken)
      const early = await beforeSpending(store, shared)
      if (early !== undefined) return early
      return whenAlone(store, async () => {
        const late = await beforeSpending(store, shared)
        return late ?? refreshAndSave(credential, (await beforeSpending(store, load))?.refreshToken)
      })
    },
  }
}

/** Opens the store at a place with what the inputs give for it. */
export function openPlace(place: StorePlace, inputs: Inputs, run: Run, http: Http): Promise<Store> {
  const { world, given, redactor } = run
  return openStore(place, {
    world,
    http,
    clean: (text) => redactor.clean(text),
    patience: inputs.timeout * 1_000,
    url: inputs.url,
    apiUrl: inputs['api-url'],
    clientId: inputs['client-id'] ?? '',
    repository: inputs.repository,
    githubToken: inputs['github-token'],
    gitlabToken: inputs['gitlab-token'],
    nameOf: given.nameOf,
  })
}

/**
 * Jobs that a pipeline starts together do not start in the same moment, and a token that has lost a hundredth of its
 * life, 72 s of two hours, does as well as a new one. So does one that was issued since this process started.
 */
function isAsGoodAsNew({ issuedAt, expiresAt }: RenewedAccess, world: World): boolean {
  const little = (expiresAt - issuedAt) / 100
  const age = world.now() - issuedAt
  // Another machine's clock may be ahead of ours.
  return age > -little && age < Math.max(little, world.elapsed()) && expiresAt > world.now()
}

type RefreshCredential = GivenCredential & { readonly kind: 'refresh-token' }

const isRefusal = (error: unknown): error is TokenError =>
  error instanceof TokenError && error.code === 'credential-refused'

/** A run that was killed between the refresh and the saving leaves a token that dies ten minutes later. */
function withTheWayOut(error: TokenError, { name }: Store): TokenError {
  return new TokenError(
    error.code,
    error.message,
    `${error.nextStep}\nIf the last run was stopped before it could save, its token is lost: authorise a new one (docs/refresh-tokens.md) and put it into ${name}.`,
    error,
  )
}

/** As long as nothing is spent, whatever fails at the store is one and the same error: it cannot be used. */
async function beforeSpending<T>(store: Store, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unwritable(store, error)
  }
}

function unwritable(store: Store, error: unknown): TokenError {
  if (error instanceof TokenError && (error.code === 'input' || error.code === 'interrupted')) return error
  const nextStep =
    error instanceof TokenError ? error.nextStep : 'Mend what it says, or name another place for the token.'
  return new TokenError(
    'store-unwritable',
    `The new refresh token could not be saved in ${store.name}, so the old one was not used: ${reasonOf(error)}`,
    nextStep,
    error,
  )
}

async function whenAlone(store: Store, work: () => Promise<Renewal>): Promise<Renewal> {
  let isAlone = false
  const begin = () => {
    isAlone = true
    return work()
  }
  try {
    return await (store.alone?.(begin) ?? begin())
  } catch (error) {
    throw isAlone ? error : unwritable(store, error)
  }
}

interface SavingOptions {
  /** Milliseconds. */
  readonly limit: number
  readonly retries: number
  readonly world: World
  readonly host: Run['host']
}

/** Saves, and tries again while there is time. */
export async function saveInTime(
  store: Store,
  tokens: Parameters<Store['save']>[0],
  { limit, retries, world, host }: SavingOptions,
): Promise<void> {
  const deadline = world.elapsed() + limit
  const over = new AbortController()
  const saved = new AbortController()
  world.sleep(limit, saved.signal).then(
    () => over.abort(),
    () => {},
  )
  try {
    for (let number = 1; ; number++) {
      try {
        return await store.save(tokens, over.signal)
      } catch (error) {
        const left = deadline - world.elapsed()
        const isFinal = error instanceof TokenError || over.signal.aborted
        if (isFinal || number > retries || left <= 0) throw error
        const wait = delayBefore(number + 1, {
          asked: undefined,
          left,
          triesLeftInCrowd: undefined,
          random: world.random,
        })
        host.log.info(`Saving in ${store.name}: ${reasonOf(error)}. Another try follows.`)
        await world.sleep(wait, over.signal).catch(() => {})
      }
    }
  } finally {
    saved.abort()
  }
}

/** The worst that can happen here: the old token is spent and the new one has no place. It is handed over at once. */
function unsavedError(
  store: Store,
  refreshToken: Secret,
  error: unknown,
  spentAt: number,
  { host }: Run,
): TokenError {
  const until = `${new Date(spentAt + 600_000).toISOString().slice(11, 16)} UTC`
  const steps = error instanceof TokenError ? [error.nextStep] : []
  try {
    const place = host.keep('refresh-token', refreshToken)
    steps.push(
      `Until ${until}, ten minutes from the refresh, the old refresh token still works: mend the above and run this again.`,
      `Or put the new one into ${store.name} yourself: it is ${place}.`,
    )
  } catch (keeping) {
    steps.push(
      `It could not be handed over either: ${reasonOf(keeping)}`,
      `Until ${until}, ten minutes from the refresh, the old refresh token still works: mend the above and run this again.`,
    )
  }
  steps.push('After that, a new refresh token has to be authorised by a person.')
  return new TokenError(
    'store-unwritable',
    `The new refresh token could not be saved in ${store.name}: ${reasonOf(error)}`,
    steps.join('\n'),
    error,
  )
}

/** No store was named, and a new token came back: it is handed over, with the two lines that would have saved it. */
export function handOver(refreshToken: Secret, kind: CredentialKind, run: Run): void {
  const { host } = run
  const place = host.keep('refresh-token', refreshToken)
  if (kind !== 'refresh-token') {
    // Bitbucket's answer of before May 2026.
    host.log.info(`Bitbucket gave a refresh token too, which this grant does not need: it is ${place}.`)
    return
  }
  host.log.warning(
    [
      'Bitbucket gave a new refresh token, and the one you gave stops working in about ten minutes.',
      `The new one is ${place}: store it in place of the old one, or the next run will be refused.`,
      'To have that done by each run:',
      ...linesThatSave(run).map((line) => `  ${line}`),
    ].join('\n'),
  )
}

function linesThatSave({ given, hostName }: Run): readonly [string, string] {
  const saves = given.nameOf('save-refresh-token').replace(/^--.*/, 'BITBUCKET_SAVE_REFRESH_TOKEN')
  switch (hostName) {
    case 'github':
      return [
        `${saves}: github-secret`,
        `${given.nameOf('github-token')}: \${{ secrets.TOKEN_THAT_MAY_WRITE_SECRETS }}`,
      ]
    case 'pipelines':
      return [
        `${saves}: bitbucket-variable`,
        `${given.nameOf('refresh-token')}: $BITBUCKET_REFRESH_TOKEN  # a secured variable of the repository`,
      ]
    case 'gitlab':
      return [`${saves}: gitlab-variable`, `${given.nameOf('gitlab-token')}: $TOKEN_THAT_MAY_WRITE_VARIABLES`]
    default:
      return [
        `${saves}=file:/a/directory/that/stays/refresh-token`,
        `or ${saves}='command:vault kv put -mount=secret bitbucket refresh-token=-'`,
      ]
  }
}
