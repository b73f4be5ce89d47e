import { chooseCredential, type InputSource } from '../credentials/choose.ts'
import type { ChosenCredential } from '../credentials/index.ts'
import type { Run } from '../run.ts'
import { Secret } from '../secret.ts'
import { announceAddresses } from './announcements.ts'

/** A placeholder. The real refresh token is in the store; refresh-token-rotation.ts loads it. */
const inTheStore = new Secret('in the store')

/** Returns the refresh token that was given; undefined if only the store has one. */
export function givenRefreshToken({ inputs }: ChosenCredential): Secret | undefined {
  const token = inputs['refresh-token']
  return token === inTheStore ? undefined : token
}

/**
 * Returns the credential that the inputs describe, and logs what is unusual: an ignored variable, an address that is not
 * Bitbucket's. If the refresh token is in a store, this does not open the store yet.
 * @param refreshToken replaces the one in the inputs, if Bitbucket has already done so
 * @throws {TokenError} `input`
 */
export function choose(run: Run, refreshToken = run.inputs()['refresh-token']): ChosenCredential {
  const inputs = run.inputs()
  const mayBeInStore = inputs['save-refresh-token'] !== undefined && refreshToken === undefined
  const complete = { ...inputs, 'refresh-token': mayBeInStore ? inTheStore : refreshToken }
  const { chosen, notice } = chooseCredential(complete, inputs.grant, {
    ...inputSource(run),
    // The user has not set `refresh-token`.
    nameOf: (input) =>
      run.rawInputs.nameOf(mayBeInStore && input === 'refresh-token' ? 'save-refresh-token' : input),
  })
  if (notice !== undefined) run.host.log.info(notice)
  announceAddresses(run)
  return chosen
}

/** Returns how to name the inputs of a run, and why a secret can be empty on its CI. */
export const inputSource = ({ rawInputs, host }: Pick<Run, 'rawInputs' | 'host'>): InputSource => ({
  ...rawInputs,
  emptySecretHint: host.emptySecretHint,
})
