import type { Rule } from '../rule.ts'
import { appPasswords } from './app-passwords.ts'
import { removedEndpoints } from './endpoints.ts'
import { refreshTokens } from './refresh-tokens.ts'
import { requests } from './requests.ts'
import { secrets } from './secrets.ts'
import { userNames } from './user-names.ts'

/** Every rule there is: a new one is a row in one of these files, then `npm run generate` and a case in the tests. */
export const rules: readonly Rule[] = [
  ...appPasswords,
  ...secrets,
  ...userNames,
  ...requests,
  ...removedEndpoints,
  ...refreshTokens,
]

/** Where a rule is explained. */
export const helpFor = ({ id }: Rule): string =>
  `https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#${id}`
