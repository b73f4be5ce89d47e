// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this file tests placeholders.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { credentialKinds } from '../src/credentials/index.ts'
import { TokenError } from '../src/errors.ts'
import { hostNames } from '../src/hosts/index.ts'
import {
  definitionOf,
  guessHostInputs,
  type HostInputs,
  type InputName,
  type Inputs,
  inputNames,
  isAction,
  parseInputs,
  type RawInputs,
  rawInputsOfAction,
  rawInputsOfVariables,
  readHostInputs,
  secretsIn,
  variableOf,
  withoutActionInputs,
  withoutCredentials,
} from '../src/inputs.ts'
import { Secret } from '../src/secret.ts'
import { failure } from './support/failure.ts'

type Values = Partial<Record<InputName, string>>

const asAction = (values: Values): RawInputs =>
  rawInputsOfAction(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  )

const asVariables = (values: Values): RawInputs =>
  rawInputsOfVariables(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [variableOf(name as InputName), value])),
    new Map(),
  )

/** Returns the parsed value of one input, as text if it is a secret or an address. */
function read(name: InputName, value: string): unknown {
  const parsed = parseInputs(asAction({ [name]: value }))[name as keyof Inputs]
  if (parsed instanceof Secret) return parsed.reveal()
  return parsed instanceof URL ? parsed.href : parsed
}

function refusal(given: RawInputs): TokenError {
  const error = failure(() => parseInputs(given))
  expect(error).toMatchObject({ code: 'input', exitStatus: 2 })
  return error
}

/** Returns the error message for an unusable value. It must not contain the value, which is `hunter…` in these tests. */
function complaint(name: InputName, value: string): string {
  const { message } = refusal(asAction({ [name]: value }))
  expect(message).toMatch(new RegExp(`^${name} `))
  return message
}

const secrets = inputNames.filter((name) => definitionOf(name).secret)
const texts = inputNames.filter((name) => definitionOf(name).type === 'text')

test('these inputs are secret', () => {
  expect(secrets).toEqual([
    'client-secret',
    'refresh-token',
    'api-token',
    'access-token',
    'connect-shared-secret',
    'github-token',
    'gitlab-token',
  ])
})

/**
 * The variables that Bitbucket Pipelines sets (Atlassian support, "Variables and secrets: Default variables", "Advanced
 * techniques for writing pipes", "Share variables between steps"; docs.github.com, "Migrating from Bitbucket Pipelines with
 * GitHub Actions Importer"). Some are only in logs of jobs and pipes.
 */
const variablesOfPipelines = `
  BITBUCKET_BOOKMARK BITBUCKET_BRANCH BITBUCKET_BUILD_NUMBER BITBUCKET_CLONE_DIR BITBUCKET_COMMIT
  BITBUCKET_DEPLOYMENT_ENVIRONMENT BITBUCKET_DEPLOYMENT_ENVIRONMENT_UUID BITBUCKET_DOCKER_HOST_INTERNAL
  BITBUCKET_EXIT_CODE BITBUCKET_GIT_HTTP_ORIGIN BITBUCKET_GIT_SSH_ORIGIN BITBUCKET_PACKAGES_TOKEN
  BITBUCKET_PACKAGES_USERNAME BITBUCKET_PARALLEL_STEP BITBUCKET_PARALLEL_STEP_COUNT BITBUCKET_PIPELINES_VARIABLES_PATH
  BITBUCKET_PIPELINE_UUID BITBUCKET_PIPE_SHARED_STORAGE_DIR BITBUCKET_PIPE_STORAGE_DIR BITBUCKET_PROJECT_KEY
  BITBUCKET_PROJECT_UUID BITBUCKET_PR_DESTINATION_BRANCH BITBUCKET_PR_DESTINATION_COMMIT BITBUCKET_PR_ID
  BITBUCKET_REPO_FULL_NAME BITBUCKET_REPO_IS_PRIVATE BITBUCKET_REPO_OWNER BITBUCKET_REPO_OWNER_UUID
  BITBUCKET_REPO_SLUG BITBUCKET_REPO_UUID BITBUCKET_SSH_KEY_FILE BITBUCKET_STEP_OIDC_TOKEN
  BITBUCKET_STEP_RUN_NUMBER BITBUCKET_STEP_TRIGGERER_UUID BITBUCKET_STEP_UUID BITBUCKET_TAG BITBUCKET_WORKSPACE
  BITBUCKET_WORKSPACE_UUID
`
  .trim()
  .split(/\s+/)

test('no input is a variable that Bitbucket Pipelines sets', () => {
  expect(inputNames.map(variableOf).filter((name) => variablesOfPipelines.includes(name))).toEqual([])
})

describe('the sources of inputs', () => {
  test('an action reads INPUT_*, with the hyphens that the runner keeps', () => {
    const given = rawInputsOfAction({ 'INPUT_CLIENT-ID': 'key', INPUT_CLIENT_ID: 'no', INPUT_EMAIL: 'a@b.c' })
    expect([...given.values]).toEqual([
      ['client-id', 'key'],
      ['email', 'a@b.c'],
    ])
  })

  test('an empty secret of an action never falls back to a variable of an earlier step', () => {
    const env = { 'INPUT_ACCESS-TOKEN': '', BITBUCKET_ACCESS_TOKEN: 'left over', BITBUCKET_EMAIL: 'a@b.c' }
    const inputs = parseInputs(rawInputsOfAction(env))
    expect(inputs['access-token']).toBeUndefined()
    expect(inputs.email).toBeUndefined()
  })

  test('outside an action, an input is the variable BITBUCKET_SOME_NAME', () => {
    expect(variableOf('git-credentials')).toBe('BITBUCKET_GIT_CREDENTIALS')
    const given = rawInputsOfVariables(
      { BITBUCKET_CLIENT_ID: 'key', INPUT_EMAIL: 'a@b.c', EMAIL: 'a@b.c' },
      new Map(),
    )
    expect([...given.values]).toEqual([['client-id', 'key']])
  })

  test('a flag wins over its variable', () => {
    const given = rawInputsOfVariables({ BITBUCKET_TIMEOUT: '5' }, new Map([['timeout', '7']]))
    expect(parseInputs(given).timeout).toBe(7)
  })

  describe('in a plugin step', () => {
    const settings = {
      PLUGIN_CLIENT_ID: 'key',
      PLUGIN_CLIENT_SECRET: 'hunter',
      PLUGIN_SCOPES: 'account,repository',
    }

    test.each([{ CI: 'woodpecker' }, { DRONE: 'true' }, { HARNESS_BUILD_ID: '7', DRONE: 'true' }])(
      'an input is the setting some_name: %o',
      (ci) => {
        const given = rawInputsOfVariables({ ...settings, ...ci }, new Map())
        const { 'client-id': key, 'client-secret': secret, scopes } = parseInputs(given)
        expect([key, secret?.reveal(), scopes]).toEqual(['key', 'hunter', ['account', 'repository']])
        expect(secretsIn(given).map((given) => given.reveal())).toEqual(['hunter'])
      },
    )

    test.each(inputNames)('every input is a setting: %s', (name) => {
      const variable = variableOf(name).replace('BITBUCKET_', 'PLUGIN_')
      const given = rawInputsOfVariables({ CI: 'woodpecker', [variable]: 'value' }, new Map())
      expect([...given.values]).toEqual([[name, 'value']])
      expect(given.variableHints()).toEqual([])
    })

    test('a setting wins over a variable unless it is empty, and a flag wins over both', () => {
      const env = { CI: 'woodpecker', BITBUCKET_TIMEOUT: '5', BITBUCKET_RETRIES: '3' }
      const plugin = { PLUGIN_TIMEOUT: '6', PLUGIN_RETRIES: '' }
      const given = (flags: [InputName, string][]) =>
        parseInputs(rawInputsOfVariables({ ...env, ...plugin }, new Map(flags)))
      expect(given([])).toMatchObject({ timeout: 6, retries: 3 })
      expect(given([['timeout', '7']])).toMatchObject({ timeout: 7 })
    })

    test('a setting may have a hyphen, but messages name it with an underscore', () => {
      const given = rawInputsOfVariables({ CI: 'woodpecker', 'PLUGIN_CLIENT-ID': 'key' }, new Map())
      expect([given.values.get('client-id'), given.nameOf('client-secret')]).toEqual(['key', 'client_secret'])
    })

    test('a message names a variable if a variable was set', () => {
      const env = { DRONE: 'true', PLUGIN_CLIENT_ID: 'key', BITBUCKET_CLIENT_SECRET: 'x' }
      expect(rawInputsOfVariables(env, new Map()).nameOf('client-secret')).toBe('BITBUCKET_CLIENT_SECRET')
    })

    test('the CI can be named with BITBUCKET_CI, because docker run hides it', () => {
      const env = { ...settings, BITBUCKET_CI: ' Drone ' }
      expect(rawInputsOfVariables(env, new Map()).values.get('client-id')).toBe('key')
    })

    test.each([
      {},
      { GITHUB_ACTIONS: 'true' },
      { GITLAB_CI: 'true' },
      { DRONE: 'true', BITBUCKET_CI: 'shell' },
    ])('settings are not read outside a plugin step: %o', (ci) => {
      expect([...rawInputsOfVariables({ ...settings, ...ci }, new Map()).values.keys()]).not.toContain(
        'client-id',
      )
    })
  })

  const ownDefaults = Object.fromEntries(
    inputNames
      .filter((name) => definitionOf(name).default !== undefined)
      .map((name) => [`INPUT_${name.toUpperCase()}`, '']),
  )

  test('recognises the action by the inputs that its runner always sets', () => {
    expect(isAction({ GITHUB_ACTIONS: 'true', ...ownDefaults })).toBe(true)
    expect(isAction({ GITEA_ACTIONS: 'true', ...ownDefaults })).toBe(true)
    expect(isAction(ownDefaults)).toBe(false)
    expect(isAction({ GITHUB_ACTIONS: '', ...ownDefaults })).toBe(false)
  })

  test.each<[string, Record<string, string>]>([
    ['a `run:` step', { BITBUCKET_CLIENT_ID: 'key' }],
    [
      'a child of an action that shares some inputs',
      { INPUT_URL: 'x', INPUT_DEBUG: '', 'INPUT_CLIENT-ID': 'key' },
    ],
    ['a `docker://` step with arguments', { INPUT_ARGS: 'print', INPUT_ENTRYPOINT: '' }],
    ['a `docker://` step with inputs', { 'INPUT_CLIENT-ID': 'key', 'INPUT_CLIENT-SECRET': 'secret' }],
  ])('%s is not the action', (_, env) => {
    expect(isAction({ GITHUB_ACTIONS: 'true', ...env })).toBe(false)
  })

  test('a process that the action starts does not believe it is the action', () => {
    const env = { GITHUB_ACTIONS: 'true', ...ownDefaults, INPUT_OTHER: 'stays' }
    expect(withoutActionInputs(env)).toEqual({ GITHUB_ACTIONS: 'true', INPUT_OTHER: 'stays' })
  })

  test.each<[string, RawInputs, string]>([
    ['an input', asAction({ timeout: 'x' }), 'timeout'],
    ['a variable', asVariables({ timeout: 'x' }), 'BITBUCKET_TIMEOUT'],
    ['a flag', rawInputsOfVariables({}, new Map([['timeout', 'x']])), '--timeout'],
  ])('an error names %s as the user sets it', (_, given, name) => {
    expect(refusal(given).message).toBe(`${name} is not a valid number.`)
  })
})

describe('without any input', () => {
  test('every input has its default', () => {
    const { url, 'api-url': apiUrl, ...rest } = parseInputs(asAction({}))
    expect([url.href, apiUrl.href]).toEqual(['https://bitbucket.org/', 'https://api.bitbucket.org/'])
    expect(rest).toMatchObject({
      'client-id': undefined,
      'client-secret': undefined,
      'refresh-token': undefined,
      email: undefined,
      'api-token': undefined,
      'access-token': undefined,
      grant: 'auto',
      scopes: [],
      repository: undefined,
      verify: 'auto',
      'export-env': true,
      'git-credentials': true,
      'configure-git': true,
      'rewrite-ssh-urls': false,
      'output-dir': undefined,
      timeout: 60,
      retries: 4,
      summary: true,
      ci: 'auto',
      debug: false,
    })
  })

  test.each(inputNames)('an empty or blank value means not set: %s', (name) => {
    const defaults = parseInputs(asAction({}))
    expect(parseInputs(asAction({ [name]: '' }))).toEqual(defaults)
    expect(parseInputs(asVariables({ [name]: ' \r\n\t' }))).toEqual(defaults)
  })

  test.each(inputNames)('a default of pipe.yml that was not expanded means not set: %s', (name) => {
    const given = rawInputsOfVariables({ [variableOf(name)]: ` $${variableOf(name)}\n` }, new Map())
    expect(given.values.size).toBe(0)
  })

  test("the name of another input's variable is a placeholder", () => {
    const given = rawInputsOfVariables({ BITBUCKET_CLIENT_ID: '$BITBUCKET_CLIENT_SECRET' }, new Map())
    expect(refusal(given).message).toBe('BITBUCKET_CLIENT_ID contains a placeholder instead of a value.')
  })

  test('in an action the same value is a placeholder', () => {
    expect(complaint('client-id', '$BITBUCKET_CLIENT_ID')).toContain('placeholder')
  })
})

describe('a text', () => {
  test.each(texts.filter((name) => name !== 'email'))('is trimmed but not changed otherwise: %s', (name) => {
    expect(read(name, '\t aB-3_=+/.~% \r\n')).toBe('aB-3_=+/.~%')
  })

  test.each(secrets)('may have any length and any characters: %s', (name) => {
    const odd = `a"b a'b'c a$b{c} 100% < \${ $ a$KEY $KEY-a a$(KEY) $(KEY)a a%KEY% %KEY%a a<key> <key>a a"b" "a"b ATATT3x=`
    for (const value of ['x', 'x'.repeat(20_000), ...odd.split(' ')]) {
      expect(read(name, value)).toBe(value)
    }
  })

  test.each([...texts, 'repository', 'timeout', 'expires-on', 'url', 'grant', 'export-env'] as InputName[])(
    'must not be a placeholder: %s',
    (name) => {
      for (const value of [
        '${{ secrets.BITBUCKET_CLIENT_SECRET }}',
        'x-${{ inputs.key }}',
        '$BITBUCKET_KEY',
        '$key',
        '${BITBUCKET_KEY}',
        '$(BITBUCKET_KEY)',
        '$(bitbucket.key)',
        '%BITBUCKET_KEY%',
        '<your key>',
        // Jenkins, Bamboo, Terraform; PowerShell; Drone and Woodpecker; a shell's default.
        '${env.KEY}',
        '${bamboo.bitbucket.key}',
        '$env:BITBUCKET_KEY',
        '$$KEY',
        '$${KEY}',
        '${KEY:-}',
        // Azure, and a command that no shell has run.
        '$(bitbucket-key)',
        '$(cat /run/secrets/key)',
        "$[variables['key']]",
        // GitLab, CircleCI, TeamCity, Harness.
        '$[[ inputs.key ]]',
        '<< parameters.key >>',
        '<<pipeline.parameters.key>>',
        '%env.BITBUCKET_KEY%',
        '%vault:secret/bitbucket!/key%',
        '<+secrets.getValue("key")>',
        // Ansible, Argo, Helm; Concourse.
        '{{ bitbucket_key }}',
        '{{inputs.parameters.key}}',
        '((bitbucket.key))',
      ]) {
        expect(complaint(name, value)).toBe(`${name} contains a placeholder instead of a value.`)
      }
    },
  )

  test.each(texts)('must not have quotes around it: %s', (name) => {
    const straight = ['"hunter-hunter"', "'hunter-hunter'", '`hunter-hunter`', '"hunter\nhunter"', '""']
    const typographic = ['“hunter-hunter”', '„hunter-hunter“', '‘hunter-hunter’', '«hunter-hunter»']
    for (const value of [...straight, ...typographic]) {
      expect(complaint(name, value)).toBe(`${name} has quotes around it.`)
    }
  })

  test.each(texts)('must be one line: %s', (name) => {
    for (const value of ['hunter\nhunter', 'hunter\r\nhunter', 'hunter\rhunter']) {
      expect(complaint(name, value)).toBe(`${name} has more than one line.`)
    }
  })

  test.each(texts)('must not contain an invisible character: %s', (name) => {
    const controls = ['hunter\u001bhunter', 'hunter\u0000hunter', 'hunter\u0085hunter']
    // A zero-width space, a word joiner, a soft hyphen and a direction mark, which chats and web pages add.
    const formats = ['hunter\u200b', '\u2060hunter', 'hun\u00adter', '\u200ehunter']
    for (const value of [...controls, ...formats]) {
      expect(complaint(name, value)).toMatch(
        /invisible character|character that is not allowed in an HTTP header/,
      )
    }
  })

  test.each(secrets)('must not be an app password: %s', (name) => {
    const { message, nextStep } = refusal(asAction({ [name]: 'ATBBhunterhunter1234' }))
    expect(message).toBe(`${name} is an app password.`)
    expect(nextStep).toContain('2026-07-28')
    expect(nextStep).toContain('API token')
  })

  test('may start like an app password if it is not secret', () => {
    expect(read('client-id', 'ATBBkey')).toBe('ATBBkey')
  })
})

describe('single inputs', () => {
  test('email must be an email address, not a user name', () => {
    expect(read('email', ' ann@example.com ')).toBe('ann@example.com')
    for (const value of [
      'ann smith@example.com',
      ...'ann-smith @example.com ann@ a@b@c ann:x@example.com'.split(' '),
    ]) {
      expect(complaint('email', value)).toBe('email is not an email address.')
    }
    expect(refusal(asAction({ email: 'ann-smith' })).nextStep).toContain('not a user name')
  })

  test('rejects a client ID with a colon, because HTTP Basic splits at the colon', () => {
    expect(complaint('client-id', 'hunter:hunter')).toBe('client-id contains a colon.')
  })

  test('rejects an access token that no header can carry', () => {
    expect(complaint('access-token', 'hünter-hünter')).toContain('is not allowed in an HTTP header')
    expect(read('client-secret', 'hünter-hünter')).toBe('hünter-hünter')
  })

  test('a repository is workspace/slug, or two UUIDs in braces', () => {
    for (const value of ['acme/website', 'a-b_c/d.e', '{1f-2}/{3a-4}', 'acme/.website', 'acme/..x']) {
      expect(read('repository', value)).toBe(value)
    }
    // As in the address for git.
    expect(read('repository', 'acme/website.git')).toBe('acme/website')
    const outside = '../user ./user acme/.. acme/. acme/a?b=c acme/a#b acme/a%2fb acme\\website'
    const wrong = 'website acme/website/src https://bitbucket.org/acme/website acme/ /website acme/.git'
    for (const value of [...`${outside} ${wrong}`.split(' '), 'acme/web site']) {
      expect(complaint('repository', value)).toBe('repository does not have the form workspace/slug.')
    }
  })

  test('rejects a repository if verify is false', () => {
    const { message } = refusal(asVariables({ repository: 'acme/website', verify: 'false' }))
    expect(message).toBe('BITBUCKET_REPOSITORY needs the check that BITBUCKET_VERIFY turns off.')
  })

  test('verify is true, false or auto', () => {
    expect(read('verify', 'TRUE')).toBe(true)
    expect(read('verify', 'false')).toBe(false)
    expect(read('verify', 'auto')).toBe('auto')
    expect([read('verify', 'yes'), read('verify', ' OFF ')]).toEqual([true, false])
    expect(complaint('verify', 'maybe')).toContain('unknown value')
  })

  test('a choice ignores case', () => {
    expect(read('grant', 'Client-Credentials')).toBe('client-credentials')
    expect(read('ci', 'gitea')).toBe('gitea')
    expect(refusal(asAction({ grant: 'password' })).nextStep).toBe(
      `Use one of: auto, ${credentialKinds.join(', ')}.`,
    )
    expect(refusal(asAction({ ci: 'hudson' })).nextStep).toBe(`Use one of: auto, ${hostNames.join(', ')}.`)
  })

  test.each([
    'export-env',
    'git-credentials',
    'configure-git',
    'rewrite-ssh-urls',
    'summary',
    'debug',
  ] as const)('a boolean accepts the words that pipes accept: %s', (name) => {
    for (const value of ['true', 'True', 'TRUE', 'yes', 'on', '1', ' true '])
      expect(read(name, value)).toBe(true)
    for (const value of ['false', 'False', 'no', 'NO', 'off', '0']) expect(read(name, value)).toBe(false)
    for (const value of ['2', 'null', 'enabled', '-1']) {
      expect(complaint(name, value)).toBe(`${name} is not a boolean.`)
    }
  })

  test.each([
    ['timeout', [1, 60, 3_600], ['0', '3601', '-1', '1.5', '1e3', '0x10', '60s', '٣', '9999999999']],
    ['retries', [0, 4, 20], ['21', '-1', '1.0', 'four', '+4']],
    ['warn-before', [0, 30, 365], ['366', '-1', '1.5', '30d', '30 days']],
  ] as const)('%s is a whole number in its range', (name, good, bad) => {
    for (const number of good) expect(read(name, `${number}`)).toBe(number)
    for (const value of bad) expect(complaint(name, value)).toBe(`${name} is not a valid number.`)
  })

  test('a number may have leading zeros', () => {
    expect(read('timeout', '007')).toBe(7)
  })

  test('a date is a day of the calendar', () => {
    expect(read('expires-on', ' 2027-03-01 ')).toBe('2027-03-01')
    expect(read('expires-on', '')).toBeUndefined()
    for (const value of ['2027-02-30', '01.03.2027', '2027-03-01T00:00:00Z', '99999-01-01', 'soon']) {
      expect(complaint('expires-on', value)).toBe('expires-on is not a date.')
    }
    expect(complaint('expires-on', '"2027-03-01"')).toBe('expires-on has quotes around it.')
  })
})

describe('scopes', () => {
  test.each([
    ['repository:write pullrequest', ['repository:write', 'pullrequest']],
    ['account,repository', ['account', 'repository']],
    ['account, repository', ['account', 'repository']],
    ['account\r\nrepository\n', ['account', 'repository']],
    [
      ' read:repository:bitbucket  read:ssh-key:bitbucket ',
      ['read:repository:bitbucket', 'read:ssh-key:bitbucket'],
    ],
    ['account account', ['account']],
  ])('in %o are separated by spaces, commas or newlines', (value, scopes) => {
    expect(read('scopes', value)).toEqual(scopes)
  })

  test.each(['${{ inputs.scopes }}', '$SCOPES', '"account"', 'account;repository', 'a/b', 'account:', '*'])(
    'are not %o',
    (value) => {
      expect(complaint('scopes', value)).toBe('scopes contains something that is not a scope.')
    },
  )

  test("may be a pipe's array variable", () => {
    const env = {
      BITBUCKET_SCOPES_COUNT: '3',
      BITBUCKET_SCOPES_0: 'account',
      BITBUCKET_SCOPES_1: 'repository:write',
      BITBUCKET_SCOPES_2: 'webhook',
      BITBUCKET_SCOPES_3: 'not-counted',
    }
    expect(parseInputs(rawInputsOfVariables(env, new Map())).scopes).toEqual([
      'account',
      'repository:write',
      'webhook',
    ])
    expect(parseInputs(rawInputsOfVariables({ ...env, BITBUCKET_SCOPES: 'wiki' }, new Map())).scopes).toEqual(
      ['wiki'],
    )
    expect(parseInputs(rawInputsOfVariables(env, new Map([['scopes', 'issue']]))).scopes).toEqual(['issue'])
  })

  test.each(['', '$BITBUCKET_SCOPES'])('an array variable wins over the default of pipe.yml: %o', (value) => {
    const env = { BITBUCKET_SCOPES: value, BITBUCKET_SCOPES_COUNT: '1', BITBUCKET_SCOPES_0: 'account' }
    expect(parseInputs(rawInputsOfVariables(env, new Map())).scopes).toEqual(['account'])
  })

  test.each(['-1', '1e9', '99999999', 'x', ''])('a count of %o is not an array', (count) => {
    const env = { BITBUCKET_SCOPES_COUNT: count, BITBUCKET_SCOPES_0: 'account' }
    expect(parseInputs(rawInputsOfVariables(env, new Map())).scopes).toEqual([])
  })

  test('only a list accepts an array variable', () => {
    const env = { BITBUCKET_CLIENT_ID_COUNT: '1', BITBUCKET_CLIENT_ID_0: 'key' }
    expect(parseInputs(rawInputsOfVariables(env, new Map()))['client-id']).toBeUndefined()
  })
})

describe.each(['url', 'api-url'] as const)('the address in %s', (name) => {
  test.each([
    ['https://bitbucket.example.com', 'https://bitbucket.example.com/'],
    ['HTTPS://Bitbucket.Example.com:8443/', 'https://bitbucket.example.com:8443/'],
    ['https://gate.example.com/bitbucket//', 'https://gate.example.com/bitbucket'],
    ['http://localhost:7990', 'http://localhost:7990/'],
    ['http://127.0.0.1:1', 'http://127.0.0.1:1/'],
    ['http://127.8.9.10', 'http://127.8.9.10/'],
    ['http://[::1]:7990', 'http://[::1]:7990/'],
  ])('may be %s', (value, href) => {
    expect(read(name, value)).toBe(href)
  })

  test.each([
    'http://bitbucket.org',
    'http://localhost.example.com',
    'http://notlocalhost',
    'http://example.127.0.0.1.nip.io',
    'http://127.0.0.1.example.com',
    'http://128.0.0.1',
    'http://[::2]',
    'http://10.0.0.1',
  ])('must be encrypted: %s', (value) => {
    expect(complaint(name, value)).toBe(`${name} is not encrypted.`)
    expect(refusal(asAction({ [name]: value })).nextStep).toContain('https')
  })

  test.each([
    'bitbucket.org',
    'ftp://bitbucket.org',
    'file:///etc/passwd',
    'ssh://git@bitbucket.org',
    'https://',
  ])('must be a web address: %s', (value) => {
    expect(complaint(name, value)).toBe(`${name} is not a web address.`)
  })

  test.each([
    'https://user:hunter-hunter@bitbucket.org',
    'https://hunter-hunter@bitbucket.org',
    'https://:hunter-hunter@bitbucket.org',
  ])('must not contain credentials: %s', (value) => {
    const { message, nextStep } = refusal(asAction({ [name]: value }))
    expect(message).toBe(`${name} contains a user name or password.`)
    expect(nextStep).toMatch(/^Give credentials in their own inputs/)
  })

  // Paths are appended to the address. After a question mark they would not be paths.
  test.each([
    'https://bitbucket.org/?a=b',
    'https://bitbucket.org/#top',
    'https://bitbucket.org?',
    'https://bitbucket.org/#',
  ])('must not have a query or fragment, not even an empty one: %s', (value) => {
    expect(complaint(name, value)).toBe(`${name} has a query or fragment.`)
  })
})

describe('the address of the REST API', () => {
  test.each([
    ['https://api.bitbucket.org/2.0', 'https://api.bitbucket.org/'],
    ['https://API.bitbucket.org:443/2.0/', 'https://api.bitbucket.org/'],
    ['https://api.bitbucket.org//2.0//', 'https://api.bitbucket.org/'],
    ['http://127.0.0.1:7990/2.0', 'http://127.0.0.1:7990/'],
    ['https://proxy.example/bitbucket/2.0/', 'https://proxy.example/bitbucket'],
  ])('may end with the API version: %s', (value, address) => {
    expect(read('api-url', value)).toBe(address)
  })

  test.each([
    ['https://api.bitbucket.org/1.0', 'api-url asks for version 1.0 of the REST API.'],
    ['https://api.bitbucket.org/1.0/user', 'api-url asks for version 1.0 of the REST API.'],
    ['https://bitbucket.org/api/2.0', "api-url is the address of Bitbucket's web site."],
    ['https://bitbucket.org', "api-url is the address of Bitbucket's web site."],
    ['https://api.bitbucket.org/2.0/user', "api-url contains more than Bitbucket's address."],
    ['https://api.bitbucket.org:8443', "api-url contains more than Bitbucket's address."],
  ])('is not %s', (value, message) => {
    expect(complaint('api-url', value)).toBe(message)
    expect(refusal(asAction({ 'api-url': value })).nextStep).toContain('Use https://api.bitbucket.org')
  })
})

describe("the address of Bitbucket's web site", () => {
  test.each([
    ['https://bitbucket.org/acme', "url contains more than Bitbucket's address."],
    ['https://bitbucket.org/acme/website.git', "url contains more than Bitbucket's address."],
    ['https://www.bitbucket.org', "url contains more than Bitbucket's address."],
    ['https://api.bitbucket.org', "url is the address of Bitbucket's REST API."],
    ['https://api.bitbucket.org/2.0', "url is the address of Bitbucket's REST API."],
  ])('is not %s', (value, message) => {
    expect(complaint('url', value)).toBe(message)
    expect(refusal(asAction({ url: value })).nextStep).toContain('Use https://bitbucket.org')
  })
})

describe('the secrets in the inputs', () => {
  test('are known before anything is parsed, trimmed like the parsed values', () => {
    const given = asAction({
      'client-id': 'key',
      'client-secret': ' hunter\n',
      'api-token': '"quoted"',
      email: 'x',
    })
    expect(secretsIn(given).map((secret) => secret.reveal())).toEqual(['hunter', '"quoted"'])
  })

  test('are ignored if empty', () => {
    expect(secretsIn(asAction({ 'client-secret': '', 'api-token': ' \n' }))).toEqual([])
  })
})

test('withoutCredentials removes the secrets and what belongs to them', () => {
  const names = [...inputNames.filter((name) => definitionOf(name).secret), 'client-id', 'email'] as const
  expect(names).toContain('github-token')
  const given = names.flatMap((name) => [
    [variableOf(name), 'x'] as const,
    [`INPUT_${name.toUpperCase()}`, 'x'],
    [variableOf(name).replace('BITBUCKET_', 'PLUGIN_'), 'x'],
  ])
  const exported = { BITBUCKET_AUTHORIZATION: 'x', BITBUCKET_GIT_PASSWORD_BITBUCKET_ORG: 'x' }
  expect(withoutCredentials({ ...Object.fromEntries(given), ...exported, PATH: 'stays' })).toEqual({
    PATH: 'stays',
  })
})

describe('the inputs that are needed before the others are parsed', () => {
  test.each(['true', 'yes', 'ON', ' 1 '])('follow the same rules: debug %j', (debug) => {
    expect(guessHostInputs(asVariables({ debug })).debug).toBe(true)
    expect(parseInputs(asVariables({ debug })).debug).toBe(true)
  })

  test.each<[keyof HostInputs, string]>([
    ['debug', 'maybe'],
    ['debug', '$BITBUCKET_DEBUG_TOO'],
    ['ci', 'no-such-ci'],
    ['output-dir', '"quoted"'],
    ['output-dir', '${{ inputs.directory }}'],
  ])('have their default if they are bad: %s %s', (name, value) => {
    expect(guessHostInputs(asVariables({ [name]: value }))).toEqual(guessHostInputs(asVariables({})))
    expect(() => readHostInputs(asVariables({ [name]: value }))).toThrow(TokenError)
  })

  test('are trimmed, and ignore case', () => {
    expect(guessHostInputs(asVariables({ ci: ' GitLab ', 'output-dir': ' here ' }))).toEqual({
      ci: 'gitlab',
      debug: false,
      'output-dir': 'here',
    })
  })
})

describe('any text in any input', () => {
  const anyValue = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ maxLength: 40 }),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc
      .tuple(fc.constantFrom('$', '${', '%', '"', 'ATBB', "'", '<', ' ', '\n'), fc.string())
      .map((parts) => parts.join('')),
  )

  test('is parsed, or is an input error', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...inputNames), anyValue),
        fc.boolean(),
        (values, isAction) => {
          const given = isAction ? asAction(values) : asVariables(values)
          try {
            expect(parseInputs(given).timeout).toBeGreaterThan(0)
          } catch (error) {
            expect(error).toBeInstanceOf(TokenError)
            expect((error as TokenError).code).toBe('input')
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('never shows a secret of eight characters or more', () => {
    const letters = fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 40 })
    const unusable = fc.tuple(
      fc.constantFrom('ATBB', '"', '$', '${{', 'a\n', 'ü', '<'),
      letters,
      fc.constantFrom('', '"', '>'),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...secrets),
        unusable,
        fc.boolean(),
        (name, [start, middle, end], isAction) => {
          const value = start + middle + end
          const given = isAction ? asAction({ [name]: value }) : asVariables({ [name]: value })
          try {
            parseInputs(given)
          } catch (error) {
            const { message, nextStep } = error as TokenError
            expect(`${message}\n${nextStep}`).not.toContain(value.trim())
            if (middle.trim().length >= 8) expect(`${message}\n${nextStep}`).not.toContain(middle.trim())
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
