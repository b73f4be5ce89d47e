import { runAction } from '../e2e/support/action.ts'
import { startAuthorizing } from '../e2e/support/authorizing.ts'
import { type Bitbucket, inputsFor, startBitbucket } from '../e2e/support/bitbucket.ts'
import { runShell, type ShellStep } from '../e2e/support/shell.ts'
import { loopback } from '../support/loopback.ts'
import { hostile } from './table.ts'

// A leftover or malicious variable can name another host. The secret is sent there, so the log must say so.

/** Starts a service that refuses every request, and lists those that carried a secret. */
async function elsewhere() {
  const { url, heard } = await loopback((response) =>
    response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"no"}'),
  )
  const secrets = () => heard.filter(({ headers }) => headers.authorization ?? headers['private-token'])
  return { origin: url.origin, secrets }
}

interface CommandRun {
  readonly run: { readonly stdout: string; readonly stderr: string }
  /** Each host that got a secret, with the name of the variable or input. */
  readonly hosts: readonly (readonly [name: string, origin: string, usual: string])[]
}

const web = ({ url }: Bitbucket) => ['BITBUCKET_URL', url, 'https://bitbucket.org'] as const
const api = ({ apiUrl }: Bitbucket) => ['BITBUCKET_API_URL', apiUrl, 'https://api.bitbucket.org'] as const

const shell =
  (
    step: (bitbucket: Bitbucket) => Omit<ShellStep, 'bitbucket'>,
    hosts: (bitbucket: Bitbucket) => CommandRun['hosts'],
  ) =>
  async (bitbucket: Bitbucket): Promise<CommandRun> => ({
    run: await runShell({ bitbucket, ...step(bitbucket) }),
    hosts: hosts(bitbucket),
  })

const store =
  (place: string, variable: string, usual: string, more: Record<string, string>) =>
  async (bitbucket: Bitbucket): Promise<CommandRun> => {
    const { origin, secrets } = await elsewhere()
    const run = await runShell({
      bitbucket,
      inputs: {
        ...inputsFor.refreshToken(bitbucket),
        'save-refresh-token': place,
        'gitlab-token': 'glpat-0123456789abcdef',
        'github-token': 'github_pat_0123456789abcdef',
      },
      env: { ...more, [variable]: `${origin}/api/v4` },
    })
    if (secrets().length === 0) throw new Error(`no secret was sent: ${run.stderr}`)
    return { run, hosts: [[variable, origin, usual]] }
  }

const commands: Readonly<Record<string, (bitbucket: Bitbucket) => Promise<CommandRun>>> = {
  acquire: shell(
    (bitbucket) => ({ inputs: inputsFor.consumer(bitbucket) }),
    (bitbucket) => [web(bitbucket)],
  ),
  'acquire with a check over REST': shell(
    (bitbucket) => ({ inputs: inputsFor.apiToken(bitbucket) }),
    (bitbucket) => [api(bitbucket)],
  ),
  print: shell(
    (bitbucket) => ({ inputs: inputsFor.consumer(bitbucket), args: ['print'], showsSecret: true }),
    (bitbucket) => [web(bitbucket)],
  ),
  check: shell(
    (bitbucket) => ({ inputs: inputsFor.consumer(bitbucket), args: ['check'] }),
    (bitbucket) => [web(bitbucket), api(bitbucket)],
  ),
  'git-credential': shell(
    (bitbucket) => ({
      inputs: inputsFor.consumer(bitbucket),
      args: ['git-credential', 'get'],
      stdin: `protocol=http\nhost=${new URL(bitbucket.url).host}\n\n`,
      showsSecret: true,
    }),
    (bitbucket) => [web(bitbucket)],
  ),
  'the action': async (bitbucket) => ({
    run: await runAction({ bitbucket, inputs: inputsFor.consumer(bitbucket) }),
    hosts: [['url', bitbucket.url, 'https://bitbucket.org']],
  }),
  authorize: async (bitbucket) => {
    const authorizing = await startAuthorizing(bitbucket, {
      args: ['--no-browser', '--output-file', 'refresh-token'],
    })
    authorizing.kill('SIGINT')
    return { run: await authorizing.ended, hosts: [web(bitbucket), api(bitbucket)] }
  },
  'a store on GitLab': store('gitlab-variable:TOKEN', 'CI_API_V4_URL', 'https://gitlab.com', {
    CI_PROJECT_ID: '7',
  }),
  'a store on GitHub': store('github-secret:TOKEN', 'GITHUB_API_URL', 'https://api.github.com', {
    GITHUB_REPOSITORY: 'acme/app',
  }),
}

hostile(
  Object.entries(commands).map(([command, start]) => ({
    kind: 'a secret sent to an unusual host without a line in the log',
    name: command,
    attempt: async () => {
      const { run, hosts } = await start(await startBitbucket())
      const lines = `${run.stdout}\n${run.stderr}`.split('\n')
      const silent = hosts.filter(
        ([name, origin, usual]) =>
          lines.filter(
            (line) =>
              line === `Using ${name} ${origin} instead of ${usual}. Your secrets will be sent there.`,
          ).length !== 1,
      )
      return silent.length === 0 ? undefined : `${silent.join()}\n${run.stdout}\n${run.stderr}`
    },
  })),
)
