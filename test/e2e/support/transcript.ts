import { basename } from 'node:path'
import { diff } from 'node:util'
import { parseCommandFile } from './action.ts'
import { type Bitbucket, startBitbucket } from './bitbucket.ts'
import type { Event } from './program.ts'
import type { Run } from './run.ts'

/**
 * Returns a run as a person reads it: output, files and requests, in the order in which they happened. Values that differ
 * between runs are replaced by names: `<client secret>`, `<uuid>`, `<time>`.
 */
export function transcript(run: Run): string {
  const requests = [...run.requests]
  const name = namer(run)
  // A lock is not a result.
  const events = run.events.filter((event) => !('path' in event && event.path.endsWith('.lock')))
  const lines = joinOutput(events).flatMap((event) => {
    switch (event.did) {
      case 'stdout':
      case 'stderr':
        return entry(event.did, name(unescaped(event.text).trimEnd()))
      case 'request': {
        const arrived = isOf(run.bitbucket, event.host) ? requests.shift() : undefined
        const what = name(`${event.method} http://${event.host}${event.path}`)
        if (arrived === undefined) return entry('request', `${what} -> never arrived`)
        const { authorization } = arrived.headers
        const parts = [
          what,
          authorization && decoded(authorization, name),
          arrived.body && name(readable(arrived.body)),
        ]
        return entry('request', `${parts.filter(Boolean).join(', ')} -> ${arrived.status || 'no answer'}`)
      }
      case 'append':
      case 'write':
        return basename(event.path) in shortNames
          ? entry(shortNames[basename(event.path)] ?? '', name(contentOf(event)))
          : entry(event.did, name(`${event.path}\n${contentOf(event)}`))
      case 'file':
        return entry('file', name(`${event.path} ${event.mode}\n${event.text.trimEnd()}`))
      default:
        return entry(event.did, name(event.path))
    }
  })
  return [...lines, ...entry('exit', `${run.signal ?? run.status}`)].join('\n')
}

/** Returns a function that makes the transcript of the usual run at its first call, and then returns it again. */
export function usualTranscript(makeRun: (bitbucket: Bitbucket) => Promise<Run>): () => Promise<string> {
  let made: Promise<string> | undefined
  const make = async () => transcript(await makeRun(await startBitbucket()))
  return () => (made ??= make())
}

/**
 * Returns the lines in which a run differs from another transcript: `-` for a line of the other transcript, `+` for a line of
 * the run. Each group starts with the common line before it.
 */
export function differences(other: string, run: Run): string {
  let common: string | undefined
  const lines: string[] = []
  for (const [operation, line] of diff(other.split('\n'), transcript(run).split('\n'))) {
    if (operation === 0) common = line
    else {
      if (common !== undefined) lines.push(`  ${common}`)
      common = undefined
      lines.push(`${operation > 0 ? '-' : '+'} ${line}`)
    }
  }
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** Returns only the requests: `POST /site/oauth2/access_token -> 200`. */
export const requestsOf = ({ requests }: Pick<Run, 'requests'>): string[] =>
  requests.map(({ method, path, status }) => `${method} ${path} -> ${status}`)

/** Returns what a person reads when a run fails, without the masks. */
export function complaint(run: Run): string {
  const said = `${run.stdout}${run.stderr}`
    .split('\n')
    .filter(
      (line) =>
        line !== '' &&
        !line.startsWith('::add-mask::') &&
        !/Using \S+ http:.* Your secrets will be sent there\.$/.test(line),
    )
    .join('\n')
  return `${namer(run)(unescaped(said))}\nexit ${run.signal ?? run.status}`
}

const shortNames: Readonly<Record<string, string>> = {
  GITHUB_ENV: 'env',
  GITHUB_OUTPUT: 'output',
  GITHUB_STATE: 'state',
  GITHUB_STEP_SUMMARY: 'summary',
}

const entry = (label: string, text: string): string[] =>
  text.split('\n').map((line, index) => `${(index === 0 ? label : '').padEnd(8)} ${line}`.trimEnd())

/** Decodes workflow commands as the runner does (actions/runner, ActionCommand.cs). */
const unescaped = (said: string): string =>
  said.replace(/^::.*$/gm, (command) =>
    command.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%'),
  )

/** Joins consecutive writes to the same stream. */
function joinOutput(events: readonly Event[]): Event[] {
  const together: Event[] = []
  for (const event of events) {
    const last = together.at(-1)
    if ((event.did === 'stdout' || event.did === 'stderr') && last?.did === event.did) {
      together[together.length - 1] = { did: event.did, text: last.text + event.text }
    } else together.push(event)
  }
  return together
}

function contentOf({ path, text }: Event & { did: 'append' | 'write' }): string {
  if (!/^GITHUB_(ENV|OUTPUT|STATE)$/.test(basename(path))) return text.trimEnd()
  return Object.entries(parseCommandFile(text))
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')
}

function decoded(authorization: string, name: (text: string) => string): string {
  const [, scheme = '', value = ''] = /^(\S+) (.*)$/.exec(authorization) ?? []
  return `${scheme} ${name(scheme === 'Basic' ? Buffer.from(value, 'base64').toString('utf8') : value)}`
}

const readable = (form: string): string =>
  [...new URLSearchParams(form)].map(([key, value]) => `${key}=${value}`).join('&')

const isOf = (bitbucket: Bitbucket, host: string): boolean =>
  [bitbucket.url, bitbucket.apiUrl].some((url) => new URL(url).host === host)

/** Returns a function that replaces values that differ between runs by names. */
export function namer(run: Pick<Run, 'bitbucket' | 'places' | 'given'>): (text: string) => string {
  const { bitbucket, places, given } = run
  const percent = (value: string) => encodeURIComponent(value)
  const replacements: [from: string, to: string][] = []
  const ids = {
    '<client id>': given['INPUT_CLIENT-ID'] ?? given['BITBUCKET_CLIENT_ID'],
    '<email>': given['INPUT_EMAIL'] ?? given['BITBUCKET_EMAIL'],
  }
  for (const [value, name] of bitbucket.secrets.all) {
    for (const user of [...Object.values(ids), 'x-token-auth', 'x-bitbucket-api-token-auth']) {
      if (!user) continue
      const id = Object.entries(ids).find(([, value]) => value === user)?.[0] ?? user
      replacements.push([Buffer.from(`${user}:${value}`).toString('base64'), `<base64 of ${id}:${name}>`])
    }
    replacements.push([value, `<${name}>`], [percent(value), `<${name}, percent-encoded>`])
  }
  for (const [name, value] of Object.entries(ids)) if (value) replacements.push([value, name])
  for (const [path, name] of Object.entries(places)) replacements.push([path, name])
  for (const [name, url] of [
    ['bitbucket', bitbucket.url],
    ['api', bitbucket.apiUrl],
  ] as const) {
    const { host } = new URL(url)
    replacements.push(
      [url, `<${name}>`],
      [host, `<${name} host>`],
      [percent(host), `<${name} host, percent-encoded>`],
    )
  }
  // The name of the variable from which git reads the token contains the host.
  replacements.push([new URL(bitbucket.url).host.replace(/\W/g, '_'), '<BITBUCKET_HOST>'])
  return (text) =>
    replacements
      .reduce((named, [from, to]) => named.replaceAll(from, to), text)
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z| UTC)/g, '<time>')
      // git.test.ts tests the helper itself.
      .replace(/!\{ set \+vx; \}.*?\}; f(?='|"|\\|$)/gm, '!<credential helper>')
      .replace(
        /^( *)bitbucket_token_add_to_git\(\) \{\n(?:.*\n)*?( *)\}$/gm,
        '$1bitbucket_token_add_to_git() { <…> }',
      )
      .replace(/<BITBUCKET_HOST>__[0-9A-F]{8}/g, '<BITBUCKET_HOST>')
      .replace(/(BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>='?\S+) \d+ (\S+)/g, '$1 <seconds> $2')
}
