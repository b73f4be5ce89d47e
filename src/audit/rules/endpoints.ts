import { hasApiAddress, isProse, isTest, lineBefore } from '../context.ts'
import { type Candidate, type Level, matching, type Rule, type Source } from '../rule.ts'

/** One row of the table of removed endpoints, which also appears in docs/audit.md. */
interface Endpoint {
  /** As Bitbucket's reference writes it. */
  readonly name: string
  readonly instead: string
  readonly forms: readonly Form[]
}

/** A way in which files write the address of an endpoint. */
interface Form {
  readonly pattern: RegExp
  readonly accepts?: ((found: Candidate) => boolean | Level) | undefined
  /** Whether only programs are searched, because elsewhere a path without a host may belong to another service. */
  readonly inPrograms?: true
}

const host = /\b(?:api\.bitbucket\.org|(?<!\.)bitbucket\.org\/!?api)\//.source
const withHost = (path: RegExp, accepts?: Form['accepts']): Form => ({
  pattern: new RegExp(host + path.source),
  accepts,
})

/** Matches a path without a host, in quotes or after a variable, but not the key of a description of the API. */
const withoutHost = (path: RegExp): Form => ({
  pattern: new RegExp(`(?:["'\`}]/?|\\$\\w{1,40}/)${path.source}(?=/?[?"'\`])(?!["']\\s{0,3}:)`),
  inPrograms: true,
})
const isProgram = (source: Source): boolean => /bitbucket/i.test(source.text) && !isProse(source)

/** The text before an address in an answer of the API: `"href": "`, `rel="self" href="`. */
const beforeLink =
  /\b(?:href|self|next|previous|resource_uri)\\?["']?\]?\s{0,3}(?:=>|:|={1,3})\s{0,3}\\?[urbf]{0,2}["'`]?(?:https?:\/\/)?$/i
/** Files in which tests keep recorded answers. */
const recorded =
  /(?:^|\/)(?:__)?(?:fixtures?|cassettes?|recordings?|testdata|snapshots?|mocks?)(?:__)?\/.*\.(?:json|ya?ml|xml|txt|har|snap)$/i

/** The start of a line with a long text for people, as a description of the API in JSON has it. */
const description = /^\s{0,40}"(?:description|summary|body|markdown)"\s{0,3}:\s{0,3}"/i

/** Whether the address is in a recorded answer or a description. It is not a request. */
const isAnswer = (source: Source, start: number): boolean =>
  recorded.test(source.path) ||
  beforeLink.test(lineBefore(source.text, start, 100)) ||
  description.test(lineBefore(source.text, start, 10_000).slice(0, 200)) ||
  (!isProse(source) && /^\s{0,40}(?:#|\/[/*]|\*|--|;)\s/.test(lineBefore(source.text, start)))

/** Matches a path behind the base address, which is in a variable or a quoted piece: `${BASE}/workspaces`. */
const behindBase = (path: RegExp): Form => ({
  pattern: new RegExp(`(?:[}"'\`]/?|(?:\\$\\w{1,40}|%[sv])/)${path.source}`),
  inPrograms: true,
  accepts: isOfApi,
})

/** Matches a whole path behind the base address: `${BASE}/workspaces?pagelen=…`. */
const wholeBehindBase = (path: string): Form =>
  behindBase(
    new RegExp(
      `${path}(?=/?(?:\\?(?:(?:role|pagelen|page|q|sort|fields|after)=|\\$\\{|["'\`])|["'\`]\\s{0,3}[,)]))`,
    ),
  )

/** Whether the path belongs to Bitbucket's API. Without a query, it may be the start of a longer path. */
function isOfApi({ source, start, end }: Candidate): boolean | Level {
  // Paths are in lower case, unlike words for people.
  if (!hasApiAddress(source) || /["'`][A-Z]/.test(source.text.slice(start, end))) return false
  const before = lineBefore(source.text, start, 200)
  if (/https?:\/\/[\w.-]{1,100}|\b(?:router|app|server)\.\w{1,10}\(\s{0,3}$/i.test(before)) return false
  return source.text[end] === '?' || source.text[end + 1] === '?' ? true : 'question'
}

/** Whether the address is requested as it is. In `BASE = '…/2.0/repositories'` it is often the start of a longer one. */
function isRequested({ source: { text }, start, end }: Candidate): boolean {
  const before = lineBefore(text, start, 200)
  const after = text.slice(end, end + 20)
  if (/^\/?\?/.test(after)) return true
  return (
    /\b(?:curl|wget|fetch|get|request|urlopen|Invoke-\w+)\b/i.test(before) &&
    /^(?:["'`)\s\\]|$)/.test(after) &&
    !/^["'`]\s{0,3}[+%.]/.test(after)
  )
}

/** Matches what is below a user, whose name may be between two pieces: `'users/' + name + '/repositories'`. */
const ofUser =
  /users\/(?:[^\s/"'`]{1,200}|["'`]\s{0,3}[+.&,]\s{0,3}[^"'`\n]{1,80}["'`])\/(?:repositories|members|followers|following|projects|permissions|hooks|snippets)\b/

/**
 * Endpoints that Bitbucket has removed. Across workspaces: CHANGE-2770, since 14 April 2026; the replacements are from
 * CHANGE-3022. Pull requests of a user: Atlassian's reminder ba-p/2935311. Issues: removed on 2026-08-20 (ba-p/3193882).
 * Teams and version 1.0: Atlassian's deprecation notices of 2020 and 2018, except what the notices and the reference keep.
 */
export const endpoints: readonly Endpoint[] = [
  {
    name: 'GET /2.0/repositories',
    instead: 'GET /2.0/user/workspaces, then GET /2.0/repositories/{workspace} for each.',
    forms: [
      withHost(/2\.0\/repositories(?=\/?(?:[?"'`)\s\\]|$))/, isRequested),
      wholeBehindBase('(?:2\\.0/)?repositories'),
    ],
  },
  {
    name: 'GET /2.0/workspaces',
    instead: 'GET /2.0/user/workspaces.',
    forms: [
      withHost(/2\.0\/workspaces(?=\/?(?:[?"'`)\s\\]|$))/, isRequested),
      withoutHost(/2\.0\/workspaces/),
      wholeBehindBase('workspaces'),
    ],
  },
  {
    name: 'GET /2.0/user/permissions/workspaces',
    instead: 'GET /2.0/user/workspaces/{workspace}/permission.',
    forms: [
      withHost(/2\.0\/user\/permissions\/workspaces\b/),
      withoutHost(/(?:2\.0\/)?user\/permissions\/workspaces/),
    ],
  },
  {
    name: 'GET /2.0/user/permissions/repositories',
    instead: 'GET /2.0/user/workspaces/{workspace}/permissions/repositories.',
    forms: [
      withHost(/2\.0\/user\/permissions\/repositories\b/),
      withoutHost(/(?:2\.0\/)?user\/permissions\/repositories/),
    ],
  },
  {
    name: 'GET /2.0/pullrequests/{selected_user}',
    instead: 'GET /2.0/workspaces/{workspace}/pullrequests/{selected_user}.',
    forms: [withHost(/2\.0\/pullrequests\/(?!\d+\b)(?=[^\s/])/)],
  },
  {
    name: '/2.0/repositories/{workspace}/{repo_slug}/issues',
    instead: 'Jira, because Bitbucket no longer has issues.',
    forms: [withHost(/2\.0\/repositories\/[^\s/"'`]{1,200}\/[^\s/"'`]{1,200}\/issues(?![\w-])/)],
  },
  {
    name: '/2.0/teams/…',
    instead: 'The same path below /2.0/workspaces.',
    forms: [
      withHost(/2\.0\/teams\b(?!\/[^\s/"'`]{1,200}\/(?:pipelines_config|search)\b)/),
      behindBase(/teams(?=\?|\/["'`$%{])(?!\/[^/\n]{1,80}\/(?:pipelines_config|search)\b)/),
    ],
  },
  {
    // The reference keeps the user itself and these paths; the notice of 2020 removed the others.
    name: '/2.0/users/{user}/repositories and others',
    instead: 'The same path below /2.0/workspaces, and GET /2.0/repositories/{workspace} for repositories.',
    forms: [withHost(new RegExp(`2\\.0\\/${ofUser.source}`)), behindBase(ofUser)],
  },
  {
    name: '/1.0/…',
    instead: 'Version 2.0 of the API.',
    forms: [
      withHost(
        /1\.0\/(?!groups\b|group-privileges\b|invitations\b|users\/[^\s/"'`]{1,200}\/invitations\b)\w/,
      ),
    ],
  },
]

const finders = endpoints.flatMap(({ name, instead, forms }) =>
  forms.map(({ pattern, accepts, inPrograms }) => ({
    name,
    instead,
    inPrograms,
    find: matching(pattern, accepts),
  })),
)

export const removedEndpoints: readonly Rule[] = [
  {
    id: 'removed-endpoint',
    level: 'error',
    what: 'Bitbucket has removed this endpoint (CHANGE-2770 or earlier). It answers 410 or 404.',
    instead: 'Use the endpoint that is named next to the finding.',
    *find(source) {
      const isCode = isProgram(source)
      for (const { name, instead, inPrograms, find } of finders) {
        if (inPrograms && !isCode) continue
        for (const match of find(source)) {
          if (isAnswer(source, match.start)) continue
          // A test that looks at the path of a request sends it to a server of its own.
          const level = inPrograms && isTest(source) ? 'question' : match.level
          yield { ...match, name, instead, ...(level !== undefined && { level }) }
        }
      }
    },
  },
]
