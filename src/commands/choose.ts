import { chooseCredential } from '../credentials/choose.ts'
import type { ChosenCredential } from '../credentials/index.ts'
import { inputSource, type Run } from '../run.ts'
import { Secret } from '../secret.ts'
import { announceAddresses } from './addresses.ts'

/**
 * Returns the credential that the inputs describe. If its refresh token is in a store, this does not open the store yet.
 * @throws {TokenError} `input`
 */
export function choose(run: Run): ChosenCredential {
  const inputs = run.inputs()
  const isStored = inputs['save-refresh-token'] !== undefined && inputs['refresh-token'] === undefined
  // The choice only asks whether there is a refresh token. refresh-token-rotation.ts puts the real one in its place.
  const complete = isStored ? { ...inputs, 'refresh-token': new Secret('in the store') } : inputs
  const { credential, notice } = chooseCredential(complete, inputs.grant, inputSource(run))
  if (notice !== undefined) run.host.log.info(notice)
  announceAddresses(run)
  return credential
}
