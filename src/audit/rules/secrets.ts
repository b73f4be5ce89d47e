import { lineBefore, statementAround, windowAround } from '../context.ts'
import { decoded, isLiteral, isRandom } from '../literal.ts'
import { anyOf, type Candidate, type Match, matching, type Rule, type Source } from '../rule.ts'

const hasLiteralSecret = ({ groups: { secret = '' } }: Candidate) => isLiteral(secret)

/** Matches `https://user:secret@bitbucket.org`, which is also the format of git's credential store. */
const inUrl =
  /\bhttps?:\/\/[^\s:@/'"`<>|]{0,300}:(?<secret>[^\s@/'"`<>|]{3,9000})@(?:api\.)?bitbucket\.org(?![\w.-]*\w)/

/** Matches an entry of netrc(5) in any file, on one line or several. */
const netrc =
  /\bmachine\s{1,20}(?:api\.)?bitbucket\.org\s{1,40}login\s{1,20}\S{1,300}\s{1,40}password\s{1,20}(?<secret>\S{3,9000})/

/** Matches a registry setting of npm and Yarn (docs.npmjs.com, npmrc), if the registry is one of Bitbucket's. */
const npmrc =
  /\/\/(?:[\w.-]{0,100}bitbucket[\w.-]{0,100}|npm\.apkg\.io)\/[^\s'"=]{0,300}:_(?:authToken|password|auth)\s{0,4}=\s{0,4}["']?(?<secret>[^\s'"]{3,9000})/

/** Matches an entry of Composer's `auth.json` (getcomposer.org, "Authentication for privately hosted packages"). */
const composer =
  /"bitbucket-oauth"\s{0,20}:\s{0,20}\{\s{0,40}"bitbucket\.org"\s{0,20}:\s{0,20}\{[^{}]{0,4000}?"consumer-secret"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{3,9000})"/
const composerBasic =
  /"http-basic"\s{0,20}:\s{0,20}\{[\s\S]{0,2000}?"(?:api\.)?bitbucket\.org"\s{0,20}:\s{0,20}\{[^{}]{0,4000}?"password"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{3,9000})"/
const composerBearer =
  /"bearer"\s{0,20}:\s{0,20}\{[^{}]{0,2000}?"bitbucket\.org"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{3,9000})"/

/** Matches a command that stores a password for Composer or Bundler, and the variable or setting of Bundler. */
const configured =
  /(?:(?:http-basic|bitbucket-oauth)\.bitbucket\.org["']?\s{1,4}\S{1,200}\s{1,4}|bearer\.bitbucket\.org["']?\s{1,4}|(?:BUNDLE_BITBUCKET__ORG["']?\s{0,3}[:=]|\bbundle\s[^\n]{0,40}\sbitbucket\.org["']?\s)\s{0,3}["']?[^\s:"'$]{1,100}:)["']?(?<secret>[^\s"'$]{3,9000})/

/** Matches Docker's configuration for Bitbucket's registry. */
const docker =
  /"(?:https:\/\/)?crg\.apkg\.io\/?"\s{0,20}:\s{0,20}\{\s{0,20}"auth"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{8,9000})"/

/** Matches a rule of Renovate for a host, and a `server` of Maven. */
const renovate =
  /"matchHost"\s{0,20}:\s{0,20}"[^"]{0,100}bitbucket\.org[^"]{0,100}"[^{}]{0,1000}?"(?:password|token)"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{3,9000})"/
const maven =
  /<id>[^<]{0,60}bitbucket[^<]{0,60}<\/id>[\s\S]{0,400}?<password>(?<secret>[^<\s]{3,9000})<\/password>/

/** Matches an address of Bitbucket with the password of its item, as Argo CD, Flux and Tekton have it in YAML. */
const repository =
  /:\s{1,4}["']?https:\/\/bitbucket\.org(?![.\w])[^\n]{0,300}\n(?:(?!\s{0,40}- |---)[^\n]{0,200}\n){0,6}?\s{1,40}password:\s{1,4}["']?(?<secret>[^\s"']{3,9000})/
/** Another key than `url`, such as an annotation, belongs to the password of a secret for Kubernetes. */
const isRepository = ({ groups: { secret = '' }, source: { text }, start, end }: Candidate): boolean =>
  isLiteral(secret) &&
  (/\burl$/.test(lineBefore(text, start)) || /\n\s{0,20}stringData:/.test(text.slice(start, end)))

/** Matches the files that this program writes for later steps (README, "Results"). A .gitignore beside them excludes them. */
const ourFiles = /(?:^|\/)\.bitbucket-token\/(?:env\.sh|git-credentials|refresh-token(?:\.access)?)$/

function* ourOutput({ path, text }: Source): Iterable<Match> {
  if (ourFiles.test(path) && text !== '') yield { start: 0, end: 0, name: '.bitbucket-token' }
}

/** Matches Atlassian's API tokens and Bitbucket's access tokens: their prefixes, and then what trufflehog's rules require. */
const prefixed = /(?<![\w+/-])(?<secret>AT[AC]TT3[\w+/=-]{40,400})/

/**
 * Matches `BITBUCKET_CLIENT_SECRET=…` and other names that this program and other Bitbucket clients use, in the forms of
 * assignment of shells, Dockerfiles, CIs, programs and XML.
 */
const assigned =
  /(?<name>(?:bitbucket|\bbb_)[_.:-]{0,2}(?:(?!webhook|server)[a-z]{1,12}[_.-]){0,2}(?:cloud)?(?:(?:oauth2?[_.-]?)?(?:client[_.-]?|consumer[_.-]?)?secret|(?:access|api|refresh|oauth)[_.-]?token|token|password))(?<glue>(?:["'`]?\]?|["']?\}(?=\s{0,3}=))(?:[:\s]{1,3}(?:&(?:'static\s)?)?(?:string|str)(?!\w))?\s{0,4}(?:(?:\|\||[:?+.]{1,2})?=>?|:-?|,(?:\s{0,3}default\s{0,3}=)?)\s{0,4}|["'`]?[\])]?\s{0,3}(?:\|\||\?\?|\?:|\bor\b)\s{0,3}(?=["'`])|"\s{0,4}\{[^{}]{0,200}?\bdefault\s{0,20}=\s{0,3}|["']?,?\s{1,40}["']?(?:Parameter)?value["']?\s{0,3}[=:]\s{0,3}|["']?>|<\/\w{1,20}>\s{0,40}<\w{1,20}>|[ \t]{1,4})@?["'`]?(?<secret>[\w+/=.~-]{16,9000})/

/** Whether a value is assigned, and not a call, an index or a path of names: `BITBUCKET_TOKEN = settings.get(…)`. */
function isAssigned({
  groups: { secret = '', glue = '' },
  source: { text },
  start,
  end,
}: Candidate): boolean {
  if (!isRandom(secret) || !/^(?:['"`\s,;\\)<}\]]|$)/.test(text.slice(end, end + 1))) return false
  if (glue.trim() === '')
    return /(?:^|[\s;&])(?:(?:ENV|setx|setenv|set\s{1,3}-\w{1,4})\s{1,4}|Set-Item\s{1,3}(?:-Path\s{1,3})?env:)$/i.test(
      lineBefore(text, start, 40),
    )
  // Not the next argument after a variable: f(TOKEN, value). A name in quotes may have a value: setProperty("NAME", "value").
  return glue.trim() !== ','
}

/** The names of a secret under which a file has the name of the product elsewhere. */
const secretKey =
  /(?<key>(?:oauth2?[_-]?)?(?:app|client|consumer|oauth)[_-]?secret|(?:(?:access|api|auth|oauth|refresh)[_-]?)?token|password)["'`]?/
    .source
const secretValue = /["'`]?(?<secret>[\w+/=.~-]{16,9000})/.source
/** Matches a secret below the name of the product: `bitbucket: { clientId: …, clientSecret: '…' }`, `[bitbucket]`. */
const nested = new RegExp(
  `bitbucket(?:[_-]?cloud)?(?:[\\w.]{0,40}\\(|["'\`]?\\s{0,4}(?:=>|[:=])|["'\`],|["'.\\w]{0,20}\\]\\s)(?:[^{}[\\]]{0,40}[{[])?[^{}[\\]]{0,400}?(?<![\\w-])${secretKey}\\s{0,4}(?:=>|[:=])\\s{0,4}${secretValue}`,
  'd',
)
/** Matches a secret of an item whose id names the product, as Jenkins and Kubernetes have it in YAML. */
const item = new RegExp(
  `\\b(?:id|name):\\s{1,4}["']?[\\w.-]{0,60}bitbucket[^\\n]{0,60}\\n(?:(?!\\s{0,40}- |---)[^\\n]{0,200}\\n){0,8}?\\s{1,40}(?<![\\w-])${secretKey}:\\s{1,4}${secretValue}`,
  'd',
)
/** Matches a key and a secret in a call: `NewOAuthClientCredentials("KEY", "SECRET")`. */
const oauthCall =
  /oauth\w{0,30}\(\s{0,20}["'][^"'\s]{2,200}["']\s{0,3},\s{0,20}["'](?<secret>[\w+/=.~-]{16,9000})["']/
/** Matches a provider of OmniAuth: `provider :bitbucket, 'KEY', 'SECRET'`. */
const omniauth = /:bitbucket\w{0,10},\s{0,20}[^,\n]{1,80},\s{0,20}["'](?<secret>[\w+/=.~-]{16,9000})["']/
const otherProducts = /git(?:hub|lab|ea)|google|slack|azure|okta|jira|discord|facebook|auth0|keycloak/i
const products = new RegExp(`(?:bit|tiny)bucket|${otherProducts.source}`, 'gi')
const isBitbucketClient = ({ groups: { secret = '' }, source: { text }, start, end }: Candidate): boolean =>
  isRandom(secret) && !otherProducts.test(text.slice(start, end - secret.length))
/** Whether the secret is still below the name: without brackets, on lines with more indentation. */
function isNested(found: Candidate): boolean {
  const { start, end } = found
  const { text } = found.source
  const [first = '', ...lines] = text.slice(start, end).split('\n')
  const indent = /^\s*/.exec(lineBefore(text, start))?.[0].length ?? 0
  const isInBlock =
    /[\](){]/.test(first) || lines.every((line) => !/\S/.test(line) || line.search(/\S/) > indent)
  return isInBlock && isBitbucketClient(found)
}
/** Whether the nearest product that the text names above the secret is Bitbucket. */
function isBelowBitbucket({ groups: { secret = '' }, source: { text }, start }: Candidate): boolean {
  const above = text.slice(Math.max(0, start - 400), start)
  const product = above.match(products)?.at(-1)
  return product !== undefined && !otherProducts.test(product) && isRandom(secret)
}

/** Matches a pair that curl sends: `-u KEY:SECRET`. */
const curlPair = /(?:-u|--user|\s-a|--auth)[\s=]{0,3}["']?[^\s:"'$]{2,300}:(?<secret>[^\s"'$]{6,9000})/
const formField =
  /\b(?:(?:client|consumer|oauth)_?secret|refresh_?token)(?:=|["']?\s{0,3}(?:=>|[=:,])\s{0,3}["'])(?<secret>[\w+/=.~-]{16,9000})/
const isSentByCurl = ({ groups: { secret = '' }, source: { text }, start }: Candidate): boolean =>
  isLiteral(secret) &&
  (isRandom(secret) || (/\d/.test(secret) && /[a-z]/i.test(secret))) &&
  /\bbitbucket\.org\/(?:site\/oauth2|2\.0|!?api)/i.test(statementAround(text, start))

/** Whether a client secret is near the address of the token endpoint. */
const isSentForToken = (found: Candidate): boolean =>
  isSentByCurl(found) ||
  (isRandom(found.groups['secret'] ?? '') &&
    /\bbitbucket\.org\/site\/oauth2/i.test(windowAround(found.source.text, found.start)))
/** Whether a pair in a call is for Bitbucket: by the address in the statement, or by the name of the client. */
const isSentInCall = (found: Candidate): boolean =>
  isSentByCurl(found) ||
  (isRandom(found.groups['secret'] ?? '') && /bitbucket/i.test(lineBefore(found.source.text, found.start)))

/** Matches a pair in a call: `auth=('KEY', 'SECRET')`, `auth: { username: 'KEY', password: 'SECRET' }`, `--password=SECRET`. */
const callPair =
  /(?:(?:\bauth\s{0,3}=\s{0,3}|Basic_?Auth\w{0,20})\(\s{0,3}["'][^"'\n]{2,200}["']\s{0,3},\s{0,3}["']|\bauth["']?\s{0,3}:\s{0,3}\{\s{0,20}["']?user(?:name)?["']?\s{0,3}:\s{0,3}["'][^"'\n]{2,200}["']\s{0,3},\s{0,20}["']?pass(?:word)?["']?\s{0,3}:\s{0,3}["']|--(?:http-)?password[= ]["']?)(?<secret>[^\s"'$]{6,9000})/

/** The starts of API tokens and access tokens in Base64, behind 0, 1 and 2 other bytes (RFC 4648, section 4). */
const encoded = /(?:QVRBVFQz|QVRDVFQz|BVEFUVD|BVENUVD|FUQVRUM|FUQ1RUM)[\w+/-]{50,800}/
const isEncodedToken = (found: Candidate): boolean =>
  isRandom(/AT[AC]TT3[\w+/=-]{40,400}/.exec(decoded(found))?.[0] ?? '')

/** Matches a Basic header with a value. */
const basicHeader = /\bBasic\s{1,3}(?<secret>[\w+/=]{24,9000})/
function isBasicForBitbucket({ groups: { secret = '' }, source: { text }, start }: Candidate): boolean {
  const [, password = ''] = /^[^:\s]{1,300}:(\S+)$/.exec(Buffer.from(secret, 'base64').toString()) ?? []
  return isLiteral(password) && /bitbucket/i.test(windowAround(text, start))
}

/** Matches the arguments of a provider of Terraform. */
const terraform =
  /\bprovider\s{1,4}"bitbucket"\s{0,4}\{[^{}]{0,2000}?\b(?:password|oauth_client_secret|oauth_token)\s{0,20}=\s{0,4}"(?<secret>[^"\s]{3,9000})"/

const instead =
  'Revoke the secret. Store the new one as a secret in your CI, and let each job get its own token (npx bitbucket-token).'

/** Secrets in files: everyone who can read the file has them. */
export const secrets: readonly Rule[] = [
  {
    id: 'credentials-file',
    level: 'error',
    what: 'This is a credentials file for Bitbucket (netrc, npmrc, auth.json or .bitbucket-token).',
    instead: `${instead} Add the file to .gitignore.`,
    isSecret: true,
    inHistory: true,
    hasRecipe: true,
    find: anyOf(
      ...[netrc, npmrc, composer, composerBasic, composerBearer, docker, renovate, maven].map((pattern) =>
        matching(pattern, hasLiteralSecret),
      ),
      matching(repository, isRepository),
      ourOutput,
    ),
  },
  {
    id: 'secret-in-url',
    level: 'error',
    what: 'A repository URL or a line of git-credentials contains a password or token.',
    instead: `${instead} The URL needs no user name.`,
    isSecret: true,
    inHistory: true,
    hasRecipe: true,
    find: matching(inUrl, hasLiteralSecret),
  },
  {
    id: 'secret-in-file',
    level: 'error',
    what: 'The file contains an API token, access token or client secret.',
    instead,
    isSecret: true,
    inHistory: true,
    hasRecipe: true,
    find: anyOf(
      matching(prefixed, ({ groups: { secret = '' } }) => /^AT[AC]TT3/.test(secret) && isRandom(secret)),
      matching(assigned, isAssigned),
      matching(configured, hasLiteralSecret),
      matching(curlPair, isSentByCurl),
      matching(formField, (found) => isSentForToken(found) || isBelowBitbucket(found)),
      matching(nested, isNested),
      matching(item, isBitbucketClient),
      matching(oauthCall, isBelowBitbucket),
      matching(omniauth, isBitbucketClient),
      matching(callPair, isSentInCall),
      matching(encoded, isEncodedToken),
      matching(basicHeader, isBasicForBitbucket),
      matching(terraform, hasLiteralSecret),
    ),
  },
]
