// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of shells and CIs.

/** A template of Ansible, not an expression of GitHub or Helm. */
const jinja = /(?<!\$)\{\{(?!-?\s?\.)/

/** How a language or a CI reads a variable inside of a text. `NAME` and `name` stand for the name. */
const languages: readonly (readonly [path: RegExp, line: RegExp, variable: string])[] = [
  [/(?:^|\/)\.(?:github|gitea|forgejo)\//i, /./, '${{ secrets.NAME }}'],
  [/azure-pipelines/i, /./, '$(NAME)'],
  [/\.(?:bat|cmd)$/i, /./, '%NAME%'],
  [/\.psm?1$/i, /./, '$($env:NAME)'],
  // Before Python 3.12, a formatted string may not contain its own quotes.
  [/\.pyw?$/i, /f'/, '{os.environ["NAME"]}'],
  [/\.pyw?$/i, /./, "{os.environ['NAME']}"],
  [/\.[cm]?[jt]sx?$/i, /./, '${process.env.NAME}'],
  [/\.(?:tf|tofu|tfvars)$/i, /./, '${var.name}'],
  [/\.rb$|(?:^|\/)(?:Gemfile|Rakefile)$/, /./, '#{ENV["NAME"]}'],
  [/\.php$/i, /./, '{$_ENV["NAME"]}'],
  [/\.go$/i, /./, '" + os.Getenv("NAME") + "'],
  [/\.(?:java|kt|scala)$/i, /./, '" + System.getenv("NAME") + "'],
  [/\.cs$/i, /./, '" + Environment.GetEnvironmentVariable("NAME") + "'],
  [/\.ya?ml$/i, jinja, '{{ name }}'],
  [/./, /./, '$NAME'],
]

/** One row of the table of recipes, which is also the table in docs/audit.md. */
export interface Recipe {
  /** Where the line is, for people. */
  readonly where: string
  /** Matches the path. Without it, every path fits. */
  readonly path?: RegExp
  /** Matches the line. Without it, every line fits. */
  readonly line?: RegExp
  /** What to write. `<NAME>` stands for a variable in the language of the line. */
  readonly write: string
}

/**
 * What to write in place of a line, by the kind of file and the program. The first row that fits applies. Sources: the
 * provider's, plugin's or library's own documentation, and research on Bitbucket (docs/credentials.md).
 */
export const recipes: readonly Recipe[] = [
  {
    where: 'Dockerfile',
    path: /(?:^|\/|\.)(?:docker|container)file(?:\.[\w.-]+)?$/i,
    write:
      'RUN --mount=type=secret,id=bitbucket,env=BITBUCKET_ACCESS_TOKEN git clone "https://x-token-auth:${BITBUCKET_ACCESS_TOKEN}@bitbucket.org/…"',
  },
  {
    where: 'Terraform (DrFaust92/bitbucket)',
    path: /\.(?:tf|tofu|tfvars)$/i,
    line: /^(?!.*@bitbucket\.org)/,
    write:
      'provider "bitbucket" { oauth_client_id = var.bitbucket_client_id, oauth_client_secret = var.bitbucket_client_secret }, or username = the email address and password = var.bitbucket_api_token',
  },
  {
    where: 'Jenkins, Configuration as Code',
    path: /(?:^|\/)jenkins\.ya?ml$/i,
    write:
      'username: "${BITBUCKET_CLIENT_ID}" and password: "${BITBUCKET_CLIENT_SECRET}", of an OAuth client',
  },
  {
    where: 'Jenkins',
    path: /(?:^|\/)(?:jenkinsfile[^/]*|[^/]*\.groovy)$/i,
    line: /^(?!.*\bcurl\b)/,
    write:
      "checkout scmGit(userRemoteConfigs: [[url: 'https://bitbucket.org/…', credentialsId: 'bitbucket-oauth']]), with the OAuth client or an API token (user name x-bitbucket-api-token-auth) as the credential",
  },
  {
    where: 'npm',
    path: /npmrc$/i,
    write:
      '//npm.apkg.io/…/:_auth=${NPM_AUTH}, a secret of the CI that holds the Base64 of the email address, a colon and the API token',
  },
  {
    where: 'netrc',
    path: /(?:^|\/)[._]netrc$/,
    write: 'Delete the file, and let npx bitbucket-token exec run the command, or use git-credential',
  },
  {
    where: 'git’s configuration and credential store',
    path: /(?:^|\/)\.git(?:config|-credentials)$/,
    write: '[credential "https://bitbucket.org"] helper = "!npx bitbucket-token git-credential"',
  },
  {
    where: 'Submodules, Composer and package files',
    path: /(?:\.gitmodules|composer\.json|package\.json|requirements[^/]*\.txt|pip\.conf)$/i,
    line: /@bitbucket\.org/i,
    write: 'https://bitbucket.org/…, without a user name, and credentials from npx bitbucket-token',
  },
  {
    where: 'Composer’s auth.json',
    path: /(?:^|\/)auth\.json$/,
    write:
      'the variable COMPOSER_AUTH in the CI, with {"bitbucket-oauth": {"bitbucket.org": {"consumer-key": …, "consumer-secret": …}}}',
  },
  {
    where: 'Maven',
    path: /settings[^/]*\.xml$/i,
    write: '<username>${env.BITBUCKET_EMAIL}</username><password>${env.BITBUCKET_API_TOKEN}</password>',
  },
  {
    where: 'Backstage',
    path: /app-config[^/]*\.ya?ml$/i,
    write:
      'integrations: bitbucketCloud: - clientId: ${BITBUCKET_CLIENT_ID}, clientSecret: ${BITBUCKET_CLIENT_SECRET}; or username: ${BITBUCKET_EMAIL}, token: ${BITBUCKET_API_TOKEN}',
  },
  {
    where: 'A pipe in bitbucket-pipelines.yml',
    path: /bitbucket-pipelines[^/]*\.ya?ml$/i,
    line: /(?:APP_PASSWORD|APP_PWD)["']?\s{0,4}:/i,
    write:
      'ATLASSIAN_ACCOUNT_EMAIL: $BITBUCKET_EMAIL and ATLASSIAN_API_TOKEN: $BITBUCKET_API_TOKEN, or BITBUCKET_ACCESS_TOKEN: $BITBUCKET_ACCESS_TOKEN (newest version of the pipe)',
  },
  {
    where: 'A git URL',
    line: /@bitbucket\.org/i,
    write: `https://x-token-auth:<BITBUCKET_ACCESS_TOKEN>@bitbucket.org/…, or with an API token https://x-bitbucket-api-token-auth:<BITBUCKET_API_TOKEN>@bitbucket.org/…`,
  },
  {
    where: 'Bitbucket’s registry of images',
    line: /\bdocker\s.{0,40}\blogin\b/,
    write: `echo "<BITBUCKET_API_TOKEN>" | docker login --username "<BITBUCKET_EMAIL>" --password-stdin crg.apkg.io`,
  },
  {
    where: 'curl at the token endpoint',
    line: /oauth2\/access_token|grant_type/i,
    write:
      'npx bitbucket-token, or curl -u "$BITBUCKET_CLIENT_ID:$BITBUCKET_CLIENT_SECRET" -d grant_type=client_credentials https://bitbucket.org/site/oauth2/access_token',
  },
  {
    where: 'curl',
    line: /\b(?:curl|wget)\b|(?:^|\s)(?:-u|--user)\b/,
    write: `curl -H "Authorization: <BITBUCKET_AUTHORIZATION>" …, or curl -u "<BITBUCKET_EMAIL>:<BITBUCKET_API_TOKEN>" …`,
  },
  {
    where: 'PowerShell',
    path: /\.psm?1$/i,
    write: '-Headers @{ Authorization = $env:BITBUCKET_AUTHORIZATION }',
  },
  {
    where: 'Python (requests)',
    path: /\.pyw?$/i,
    write:
      'auth=(os.environ["BITBUCKET_EMAIL"], os.environ["BITBUCKET_API_TOKEN"]), or headers={"Authorization": os.environ["BITBUCKET_AUTHORIZATION"]}',
  },
  {
    where: 'JavaScript and TypeScript',
    path: /\.[cm]?[jt]sx?$/i,
    write:
      'headers: { Authorization: process.env.BITBUCKET_AUTHORIZATION }, or username: process.env.BITBUCKET_EMAIL, password: process.env.BITBUCKET_API_TOKEN',
  },
  {
    where: 'Go',
    path: /\.go$/i,
    write:
      'req.Header.Set("Authorization", os.Getenv("BITBUCKET_AUTHORIZATION")), or req.SetBasicAuth(os.Getenv("BITBUCKET_EMAIL"), os.Getenv("BITBUCKET_API_TOKEN"))',
  },
  {
    where: 'Java and Kotlin',
    path: /\.(?:java|kt|scala)$/i,
    write: '.header("Authorization", System.getenv("BITBUCKET_AUTHORIZATION"))',
  },
  {
    where: 'PHP',
    path: /\.php$/i,
    write: "'headers' => ['Authorization' => getenv('BITBUCKET_AUTHORIZATION')]",
  },
  {
    where: 'Ruby',
    path: /\.rb$/i,
    write: 'request["Authorization"] = ENV["BITBUCKET_AUTHORIZATION"]',
  },
  {
    where: 'C#',
    path: /\.cs$/i,
    write:
      'request.Headers.Add("Authorization", Environment.GetEnvironmentVariable("BITBUCKET_AUTHORIZATION"))',
  },
  {
    where: 'Ansible',
    path: /\.ya?ml$/i,
    line: jinja,
    write: `url_username: "{{ bitbucket_email }}", url_password: "{{ bitbucket_api_token }}", force_basic_auth: true`,
  },
  {
    where: 'GitHub Actions',
    path: /(?:^|\/)\.(?:github|gitea|forgejo)\/.*\.ya?ml$/i,
    write:
      'uses: bitbucket-token/bitbucket-token@v1, with client-id: ${{ secrets.BITBUCKET_CLIENT_ID }} and client-secret: ${{ secrets.BITBUCKET_CLIENT_SECRET }}',
  },
  {
    where: 'A variable of a CI, Compose or Kubernetes',
    path: /(?:\.ya?ml|\.env(?:\.[\w.-]+)?|\.properties|\.toml|\.ini)$/i,
    write:
      'BITBUCKET_EMAIL and BITBUCKET_API_TOKEN, or BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET, from the secrets of the CI',
  },
]

/** Returns the recipe for a line, or undefined if its language is unknown. */
export const recipeRow = (path: string, line: string): Recipe | undefined =>
  recipes.find((row) => (row.path?.test(path) ?? true) && (row.line?.test(line) ?? true))

/** Returns what to write in place of a line. It is only the text of the recipe, so it cannot contain a secret of the file. */
export function recipeFor(path: string, line: string): string | undefined {
  const [, , variable = ''] = languages.find(([file, text]) => file.test(path) && text.test(line)) ?? []
  return recipeRow(path, line)?.write.replace(placeholder, (_, name: string) =>
    variable.replace('NAME', () => name).replace('name', () => name.toLowerCase()),
  )
}

/** Returns a recipe for the docs. */
export const recipeText = ({ write }: Recipe): string => write.replace(placeholder, '$$$1')

const placeholder = /<(BITBUCKET_\w+)>/g
