import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { documentUrl } from '../documentation.ts'
import { quoteForLog } from '../errors.ts'
import { readUntrustedFile } from '../untrusted-file.ts'
import type { World } from '../world.ts'
import { entriesIn, partsOfKey } from './config-environment.ts'
import { sharedDirectoryName } from './shared-config.ts'

/** Something that prevents git from using the credential. */
interface GitProblem {
  readonly message: string
  readonly nextStep: string
}

/** How git would handle an address in this environment. */
export interface GitDiagnosis {
  /** Such as `2.39.5`; undefined if git cannot be run. */
  readonly version: string | undefined
  /** The address that was checked. */
  readonly url: string
  /** Whether the environment contains the variables of an earlier run. */
  readonly isConfigured: boolean
  /** Whether git would ask our helper first; undefined if git cannot be run. */
  readonly isIntact: boolean | undefined
  readonly problems: readonly GitProblem[]
}

type DiagnosisWorld = Pick<World, 'env' | 'cwd'>

/** One entry of git's configuration, and where git found it, ready to be shown. */
interface ConfigEntry {
  readonly key: string
  readonly section: string
  /** A URL, or the name of a remote. */
  readonly subsection: string | undefined
  readonly name: string
  readonly value: string
  readonly origin: string
}

/**
 * Finds out whether git would use the credential of an earlier run for an address, and what overrides it. Only reads
 * git's configuration and changes nothing. The result never contains the value of another program's entry.
 */
export function diagnoseGit(asked: URL, world: DiagnosisWorld): GitDiagnosis {
  const isConfigured = Object.keys(world.env).some((name) => name.startsWith(passwordPrefix))
  const about = { url: asked.href, isConfigured }
  const started = run(['version'], world)
  const version = /^git version (\d+(?:\.\d+)+)/.exec(started.stdout)?.[1]
  if (version === undefined) {
    return { ...about, version, isIntact: undefined, problems: [unusable(started.stderr)] }
  }
  const tooOld = isTooOld(version) ? [oldGit(version)] : []
  const listing = run(['config', '-z', '--show-origin', '--get-regexp', '.'], world)
  // Status 1 means that nothing is configured.
  if (listing.status !== 0 && listing.status !== 1) {
    return { ...about, version, isIntact: false, problems: [...tooOld, unreadable(listing.stderr)] }
  }
  const found = parse(listing.stdout)
  const url = targetOf(asked, found)
  const isIntact = helpersFor(url, found).findIndex(isOurs) === 0
  const lost = isConfigured && !isIntact && tooOld.length === 0 ? [whyLost(url, found, world)] : []
  const problems = [...tooOld, ...lost, ...(isConfigured ? overriding(url, found, world) : [])]
  return { ...about, url: url.href, version, isIntact, problems }
}

/**
 * Returns an address without a path unchanged if a helper of ours covers the whole host. Otherwise (with git-path)
 * returns the first path that one covers.
 */
function targetOf(asked: URL, found: readonly ConfigEntry[]): URL {
  if (asked.pathname !== '/') return asked
  const ours = found
    .filter(isOurs)
    .flatMap(({ subsection = '' }) => (URL.canParse(subsection) ? [new URL(subsection)] : []))
  const onHost = ours.filter(({ origin }) => origin === asked.origin)
  return onHost.some(({ pathname }) => pathname === '/') ? asked : (onHost[0] ?? asked)
}

const passwordPrefix = 'BITBUCKET_GIT_PASSWORD_'
const isOurs = ({ value }: ConfigEntry): boolean =>
  value.startsWith('!') && value.includes(`{${passwordPrefix}`)

/** Runs git with only those variables of the environment that its configuration depends on. */
function run(args: readonly string[], { env, cwd }: DiagnosisWorld) {
  const isNeeded = (name: string) =>
    /^(?:PATH|PATHEXT|HOME|USERPROFILE|HOMEDRIVE|HOMEPATH|XDG_CONFIG_HOME|PROGRAMDATA|SYSTEMROOT|GIT_.*)$/i.test(
      name,
    ) && !/^GIT_TRACE/i.test(name)
  const own = Object.entries(env).filter(([name]) => isNeeded(name))
  const { status, stdout, stderr } = spawnSync('git', args, {
    cwd,
    env: { ...Object.fromEntries(own), LC_ALL: 'C' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 10_000,
    windowsHide: true,
  })
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' }
}

/** Parses entries of the form `origin NUL key LF value NUL`. An entry without a value has no LF ("git-config, -z"). */
function parse(listing: string): ConfigEntry[] {
  const parts = listing.split('\0')
  const found: ConfigEntry[] = []
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const [origin = '', line = ''] = [parts[index], parts[index + 1]]
    const [key = '', ...value] = line.split('\n')
    found.push({ key, ...partsOfKey(key), value: value.join('\n'), origin: originInWords(origin) })
  }
  return found
}

const originInWords = (origin: string): string =>
  origin.startsWith('file:') ? shown(origin.slice('file:'.length)) : 'GIT_CONFIG_… or git -c'

/** Returns a text on one line, without the user and password of addresses in it. */
const shown = (text: string): string => quoteForLog(text.replace(/(:\/\/)[^/@\s]*@/g, '$1***@'))

/** Returns the entries that apply to an address, such as `credential.<url>.helper` and `credential.helper`. */
function entriesFor(url: URL, section: string, name: string, found: readonly ConfigEntry[]): ConfigEntry[] {
  return found.filter(
    (entry) =>
      entry.section === section &&
      entry.name === name &&
      (entry.subsection === undefined || matches(entry.subsection, url)),
  )
}

/** Returns those of the entries that git uses. An empty one removes those before it. */
const effective = (entries: readonly ConfigEntry[]): ConfigEntry[] =>
  entries.slice(entries.findLastIndex(({ value }) => value === '') + 1)

/** Whether git applies the configuration for `address` to `url` (git: urlmatch.c; without a scheme: credential.c). */
function matches(address: string, url: URL): boolean {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `${url.protocol}//${address}`
  if (!URL.canParse(text.replaceAll('*', 'any'))) return false
  const pattern = new URL(text.replaceAll('*', 'any'))
  const labels = pattern.hostname.split('.')
  const there = url.hostname.split('.')
  const isHost =
    labels.length === there.length &&
    labels.every((label, index) => label === there[index] || (label === 'any' && text.includes('*')))
  const path = pattern.pathname.replace(/\/$/, '')
  const isBelow = url.pathname === path || url.pathname.startsWith(`${path}/`)
  return pattern.protocol === url.protocol && pattern.port === url.port && isHost && isBelow
}

/** Returns the helpers that git asks, in order. */
const helpersFor = (url: URL, found: readonly ConfigEntry[]): ConfigEntry[] =>
  effective(entriesFor(url, 'credential', 'helper', found))

const removeOrRunAgain = 'Remove that entry, or run bitbucket-token after it.'

/** Explains why git does not ask our helper first. */
function whyLost(url: URL, found: readonly ConfigEntry[], { env }: DiagnosisWorld): GitProblem {
  if (found.some(isOurs)) {
    const [first] = helpersFor(url, found)
    if (first !== undefined) {
      return {
        message: `git asks another credential helper first: ${shown(first.key)} in ${first.origin}.`,
        nextStep: removeOrRunAgain,
      }
    }
    return entriesFor(url, 'credential', 'helper', found).some(isOurs)
      ? {
          message: 'A later, empty credential.helper entry removes the helper of bitbucket-token.',
          nextStep: removeOrRunAgain,
        }
      : {
          message: `The credential in this job is not for ${shown(url.href)}.`,
          nextStep: 'Add its workspace or repository to git-path, or leave git-path empty.',
        }
  }
  const include = entriesIn(env).find(
    ([key, value]) => key.toLowerCase() === 'include.path' && value.includes(sharedDirectoryName),
  )
  if (include !== undefined) {
    return {
      message: `The file with the git configuration is missing: ${shown(include[1])}.`,
      nextStep: 'Run bitbucket-token again in this job.',
    }
  }
  const count = env['GIT_CONFIG_COUNT']
  return {
    message:
      count === undefined
        ? 'GIT_CONFIG_COUNT is not set here, so git does not see the entries of bitbucket-token.'
        : `GIT_CONFIG_COUNT is ${shown(count)} here, but none of these entries is from bitbucket-token, because a later step replaced them.`,
    nextStep: `Change that step so that it adds its entries after the existing ones, starting at number GIT_CONFIG_COUNT. Load env.sh again, or run bitbucket-token again.`,
  }
}

/** Finds what git uses instead of the credential, or before it. */
function overriding(url: URL, found: readonly ConfigEntry[], world: DiagnosisWorld): GitProblem[] {
  return [
    ...rewriting(url, found, 'insteadof'),
    ...rewriting(url, found, 'pushinsteadof'),
    ...headers(url, found),
    ...remotes(url, found),
    ...laterHelpers(url, found),
    ...netrc(url, world),
  ]
}

/**
 * Finds an entry that rewrites the address. If several match, git uses the longest ("git-config,
 * url.<base>.insteadOf").
 */
function rewriting(
  url: URL,
  found: readonly ConfigEntry[],
  wanted: 'insteadof' | 'pushinsteadof',
): GitProblem[] {
  const [longest] = found
    .filter(({ section, name, value }) => section === 'url' && name === wanted && url.href.startsWith(value))
    .toSorted((a, b) => b.value.length - a.value.length)
  if (longest === undefined) return []
  const { subsection: base = '' } = longest
  const target = URL.canParse(base) ? new URL(base) : undefined
  if (target?.origin === url.origin && target.username === '' && target.password === '') return []
  return [
    {
      message: `${shown(longest.key)} in ${longest.origin} rewrites ${shown(longest.value)}, so git does not use the credential.`,
      nextStep: `Remove it: git config --unset-all ${wanted === 'insteadof' ? 'url.….insteadOf' : 'url.….pushInsteadOf'}, in that file.`,
    },
  ]
}

function headers(url: URL, found: readonly ConfigEntry[]): GitProblem[] {
  return effective(entriesFor(url, 'http', 'extraheader', found))
    .filter(({ value }) => /^\s*authorization\s*:/i.test(value))
    .map(({ key, origin }) => ({
      message: `${shown(key)} in ${origin} sends its own Authorization header, so git does not use the credential.`,
      nextStep:
        'Remove it. (actions/checkout leaves one for its own host unless persist-credentials is false.)',
    }))
}

function remotes(url: URL, found: readonly ConfigEntry[]): GitProblem[] {
  return found
    .filter(({ section, subsection, name, value }) => {
      const isAddress = section === 'remote' && subsection !== undefined && /^(?:push)?url$/.test(name)
      if (!isAddress || !URL.canParse(value)) return false
      const address = new URL(value)
      return address.origin === url.origin && address.password !== ''
    })
    .map(({ key, origin }) => ({
      message: `${shown(key)} in ${origin} contains a password, so git does not use the credential.`,
      nextStep: 'Set the address without user name and password: git remote set-url.',
    }))
}

function laterHelpers(url: URL, found: readonly ConfigEntry[]): GitProblem[] {
  const helpers = helpersFor(url, found)
  const ours = helpers.findIndex(isOurs)
  if (ours === -1) return []
  return helpers
    .slice(ours)
    .filter((helper) => !isOurs(helper))
    .map(({ key, origin }) => ({
      message: `git passes the token on to another credential helper after each success: ${shown(key)} in ${origin}.`,
      nextStep: 'Remove that entry, or add an empty one for this host after it.',
    }))
}

/**
 * Finds an entry in a netrc file. curl sends it with the first request, before git asks a helper (git: http.c,
 * CURLOPT_NETRC).
 */
function netrc(url: URL, { env }: DiagnosisWorld): GitProblem[] {
  const home = env['HOME'] || env['USERPROFILE']
  if (!home) return []
  return ['.netrc', '_netrc'].flatMap((name) => {
    const file = join(home, name)
    const machines = machinesIn(file)
    const isFound = machines.includes(url.hostname)
    if (!isFound && !machines.includes(anyMachine)) return []
    return [
      {
        message: `${shown(file)} has an entry for ${isFound ? url.hostname : 'every other host (default)'}, which git sends first.`,
        nextStep: 'Remove that entry.',
      },
    ]
  })
}

/** The entry `default` of a netrc file, which applies to every host without an entry. */
const anyMachine = ''

/** The words of a netrc file that have a value after them. */
const fields: readonly string[] = ['machine', 'login', 'password', 'account', 'macdef']

function machinesIn(file: string): string[] {
  try {
    const words = readUntrustedFile(file, { limit: 1_000_000 }).toString('utf8').split(/\s+/)
    return words.flatMap((word, index) => {
      const before = words[index - 1]
      if (before === 'machine') return [word]
      return word === 'default' && !fields.includes(before ?? '') ? [anyMachine] : []
    })
  } catch {
    return []
  }
}

/** Whether git is older than 2.31, which is the first version that reads GIT_CONFIG_COUNT. */
function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < 2 || (major === 2 && minor < 31)
}

const oldGit = (version: string): GitProblem => ({
  message: `git ${version} ignores GIT_CONFIG_COUNT, so it does not use the credential.`,
  nextStep: `Use git 2.31 or later, or set the git-credentials file in its configuration: ${documentUrl('git.md')}`,
})

const firstLineOf = (text: string): string => shown(text.trim().split('\n')[0] ?? '')

/** Quotes what git or the system says, for example that a configuration file of the user is damaged. */
const unusable = (stderr: string): GitProblem =>
  stderr.trim() === ''
    ? {
        message: 'git was not found on the PATH, or it does not start.',
        nextStep: 'Install git 2.31 or later in this image or on this machine.',
      }
    : {
        message: `git does not start: ${firstLineOf(stderr)}`,
        nextStep: 'Correct what it names, then run check again.',
      }

/** Quotes git's own error. */
const unreadable = (stderr: string): GitProblem => ({
  message: `git cannot read its configuration, so every git command fails: ${firstLineOf(stderr)}`,
  nextStep:
    'If it names GIT_CONFIG_KEY_…, GIT_CONFIG_COUNT is larger than the number of entries. Export the missing entries, or unset it and load env.sh again.',
})
