import { documentUrl } from '../../documentation.ts'
import type { Rule } from '../rule.ts'
import { appPasswords } from './app-passwords.ts'
import { removedEndpoints } from './endpoints.ts'
import { images } from './images.ts'
import { passwords } from './passwords.ts'
import { refreshTokens } from './refresh-tokens.ts'
import { requests } from './requests.ts'
import { secrets } from './secrets.ts'
import { userNames } from './user-names.ts'

/** All rules. To add one, add a row in one of these files and a case in the tests, then run `npm run generate`. */
export const rules: readonly Rule[] = [
  ...appPasswords,
  ...passwords,
  ...secrets,
  ...images,
  ...userNames,
  ...requests,
  ...removedEndpoints,
  ...refreshTokens,
]

/** Returns the address of the page that explains a rule. */
export const helpFor = ({ id }: Rule): string => documentUrl(`audit.md#${id}`)
