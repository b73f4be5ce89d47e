/** Who reads the inputs: a `uses:` step its `INPUT_*`, a plugin step its `PLUGIN_*` too, everything else `BITBUCKET_*`. */
export type InputSource = 'action' | 'variables' | 'plugin'

type Environment = Readonly<Record<string, string | undefined>>

/** Other words for the inputs of a credential, without prefix, `-` and `_`. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  'client-id': ['clientid', 'consumerkey', 'oauthkey', 'oauthconsumerkey', 'oauthclientid', 'key'],
  'client-secret': [
    'clientsecret',
    'consumersecret',
    'oauthsecret',
    'oauthconsumersecret',
    'oauthclientsecret',
    'secret',
  ],
  'refresh-token': ['refreshtoken', 'oauthrefreshtoken'],
  email: ['email', 'useremail', 'atlassianemail', 'username', 'user'],
  'api-token': ['apitoken', 'userapitoken', 'atlassianapitoken', 'apppassword', 'password'],
  'access-token': ['accesstoken', 'repositoryaccesstoken', 'workspaceaccesstoken', 'oauthtoken', 'token'],
  'connect-app-key': ['connectappkey'],
  'connect-client-key': ['connectclientkey'],
  'connect-shared-secret': ['connectsharedsecret'],
}

/** The longest list of hints that still helps. */
const mostHints = 6

/**
 * Finds variables that look as if they were meant for an input, and that nobody reads.
 * @param nameOf how the person who gives the inputs names one
 * @returns a sentence for each, which never holds a value
 */
export function misplacedInputs(
  env: Environment,
  source: InputSource,
  isRead: (variable: string) => boolean,
  nameOf: (input: string) => string,
): string[] {
  const hints: string[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (!value?.trim() || isRead(variable)) continue
    const [, prefix = '', word = ''] =
      /^(BITBUCKET_|BB_|ATLASSIAN_|INPUT_|PLUGIN_)?(.*)$/.exec(variable.toUpperCase()) ?? []
    const plain = word.replace(/[-_ ]/g, '').toLowerCase()
    const input = Object.keys(synonyms).find((name) => synonyms[name]?.includes(plain))
    if (input === undefined) continue
    const isExact = plain === input.replaceAll('-', '') && variable.toUpperCase() !== 'EMAIL'
    // `TOKEN` or `EMAIL` alone, or an input of that name, is more likely somebody else's.
    if (!isExact && prefix !== 'BITBUCKET_' && prefix !== 'BB_' && !isOwnPrefix(prefix, source)) continue
    hints.push(`${variable} is set, but ${reasonFor(prefix, source)}: give ${nameOf(input)} instead.`)
  }
  return hints.slice(0, mostHints)
}

/** Whether every variable with this prefix was written for this step. */
const isOwnPrefix = (prefix: string, source: InputSource): boolean =>
  (prefix === 'INPUT_' && source === 'action') || (prefix === 'PLUGIN_' && source === 'plugin')

function reasonFor(prefix: string, source: InputSource): string {
  if (isOwnPrefix(prefix, source)) return 'there is no input of that name'
  if (source === 'action') return 'a `uses:` step reads its inputs from `with:` alone'
  if (prefix === 'INPUT_') return 'only a `uses:` step of the action has inputs from `with:`'
  if (prefix === 'PLUGIN_') return 'only plugin steps of Drone, Woodpecker and Harness have settings'
  return 'no input has that name'
}
