import { type Found, matching, type Rule, type Source } from '../rule.ts'

/** One row of the table of removed endpoints, which is also the one in docs/audit.md. */
interface Endpoint {
  /** As Bitbucket's reference writes it. */
  readonly name: string
  readonly pattern: RegExp
  readonly instead: string
  readonly isOne?: (found: Found) => boolean
  /** Only in programs: elsewhere a path alone may be anybody's. */
  readonly inPrograms?: true
}

const host = /\b(?:api\.bitbucket\.org|bitbucket\.org\/!?api)\//.source
const at = (path: RegExp): RegExp => new RegExp(host + path.source)

/** In a program, where the host stands elsewhere: the path alone, in quotes or behind a variable. */
const alone = (path: RegExp): RegExp => new RegExp(`["'\`}]/?${path.source}(?=/?[?"'\`])`)
const isProgram = ({ path, text }: Source): boolean =>
  /bitbucket/i.test(text) && !/\.(?:md|mdx|rst|adoc|txt|html?)$/i.test(path)

/** Asked as it stands, not the beginning of a longer address: `BASE = '…/2.0/repositories'` is often that. */
function isAsked({ source: { text }, start, end }: Found): boolean {
  const before =
    text
      .slice(Math.max(0, start - 200), start)
      .split('\n')
      .at(-1) ?? ''
  const after = text.slice(end, end + 20)
  if (/^\/?\?/.test(after)) return true
  return (
    /\b(?:curl|wget|fetch|get|request|urlopen|Invoke-\w+)\b/i.test(before) &&
    /^(?:["'`)\s\\]|$)/.test(after) &&
    !/^["'`]\s{0,3}[+%.]/.test(after)
  )
}

const workspaces = 'GET /2.0/user/workspaces.'
const eachWorkspace = 'GET /2.0/user/workspaces, then GET /2.0/repositories/{workspace} for each.'
const permission = 'GET /2.0/user/workspaces/{workspace}/permission.'
const permissions = 'GET /2.0/user/workspaces/{workspace}/permissions/repositories.'

/**
 * Endpoints that are gone. Across workspaces: CHANGE-2770, since 14 April 2026, with what CHANGE-3022 gives instead.
 * Pull requests of a user: Atlassian's reminder ba-p/2935311. Issues: removed on 2026-08-20 (ba-p/3193882). Teams and
 * version 1.0: Atlassian's deprecation notices of 2020 and 2018, but for what the notices and the reference keep.
 */
export const endpoints: readonly Endpoint[] = [
  {
    name: 'GET /2.0/repositories',
    pattern: at(/2\.0\/repositories(?=\/?(?:[?"'`)\s\\]|$))/),
    instead: eachWorkspace,
    isOne: isAsked,
  },
  {
    name: 'GET /2.0/workspaces',
    pattern: at(/2\.0\/workspaces(?=\/?(?:[?"'`)\s\\]|$))/),
    instead: workspaces,
    isOne: isAsked,
  },
  { name: 'GET /2.0/workspaces', pattern: alone(/2\.0\/workspaces/), instead: workspaces, inPrograms: true },
  {
    name: 'GET /2.0/user/permissions/workspaces',
    pattern: at(/2\.0\/user\/permissions\/workspaces\b/),
    instead: permission,
  },
  {
    name: 'GET /2.0/user/permissions/workspaces',
    pattern: alone(/(?:2\.0\/)?user\/permissions\/workspaces/),
    instead: permission,
    inPrograms: true,
  },
  {
    name: 'GET /2.0/user/permissions/repositories',
    pattern: at(/2\.0\/user\/permissions\/repositories\b/),
    instead: permissions,
  },
  {
    name: 'GET /2.0/user/permissions/repositories',
    pattern: alone(/(?:2\.0\/)?user\/permissions\/repositories/),
    instead: permissions,
    inPrograms: true,
  },
  {
    name: 'GET /2.0/pullrequests/{selected_user}',
    pattern: at(/2\.0\/pullrequests\/(?!\d+\b)(?=[^\s/])/),
    instead: 'GET /2.0/workspaces/{workspace}/pullrequests/{selected_user}.',
  },
  {
    name: '/2.0/repositories/{workspace}/{repo_slug}/issues',
    pattern: at(/2\.0\/repositories\/[^\s/"'`]{1,200}\/[^\s/"'`]{1,200}\/issues\b/),
    instead: 'Jira: Bitbucket has no issues any more.',
  },
  {
    name: '/2.0/teams/…',
    pattern: at(/2\.0\/teams\b(?!\/[^\s/"'`]{1,200}\/(?:pipelines_config|search)\b)/),
    instead: 'The same path below /2.0/workspaces.',
  },
  {
    name: '/1.0/…',
    pattern: at(
      /1\.0\/(?!groups\b|group-privileges\b|invitations\b|users\/[^\s/"'`]{1,200}\/invitations\b)\w/,
    ),
    instead: 'Version 2.0 of the API.',
  },
]

const finders = endpoints.map(({ pattern, isOne, ...rest }) => ({ ...rest, find: matching(pattern, isOne) }))

export const removedEndpoints: readonly Rule[] = [
  {
    id: 'removed-endpoint',
    level: 'error',
    what: 'An endpoint that Bitbucket has removed (CHANGE-2770 and before): it answers 410 or 404.',
    instead: 'The endpoint named beside each.',
    isSecret: false,
    inHistory: false,
    *find(source) {
      const isCode = isProgram(source)
      for (const { name, instead, inPrograms, find } of finders) {
        if (inPrograms && !isCode) continue
        for (const match of find(source)) yield { ...match, name, instead }
      }
    },
  },
]
