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

type Variable = (name: string) => string

function variableIn(path: string, line: string): Variable {
  const [, , form = ''] = languages.find(([file, text]) => file.test(path) && text.test(line)) ?? []
  return (name) => form.replace('NAME', () => name).replace('name', () => name.toLowerCase())
}

/** One row of the table of recipes, which is also the table in docs/audit.md. */
export interface Recipe {
  /** Where the line is, for people. */
  readonly where: string
  readonly path: RegExp
  readonly line: RegExp
  readonly use: (variable: Variable) => string
}

const any = /./

/**
 * What to write in place of a line, by the kind of file and the program. The first row that fits applies. Sources: the
 * provider's, plugin's or library's own documentation, and research on Bitbucket (docs/credentials.md).
 */
export const recipes: readonly Recipe[] = [
  {
    where: 'Dockerfile',
    path: /(?:^|\/|\.)(?:docker|container)file(?:\.[\w.-]+)?$/i,
    line: any,
    use: () =>
      'RUN --mount=type=secret,id=bitbucket,env=BITBUCKET_ACCESS_TOKEN git clone "https://x-token-auth:${BITBUCKET_ACCESS_TOKEN}@bitbucket.org/…"',
  },
  {
    where: 'Terraform (DrFaust92/bitbucket)',
    path: /\.(?:tf|tofu|tfvars)$/i,
    line: /^(?!.*@bitbucket\.org)/,
    use: () =>
      'provider "bitbucket" { oauth_client_id = var.bitbucket_client_id, oauth_client_secret = var.bitbucket_client_secret }, or username = the email address and password = var.bitbucket_api_token',
  },
  {
    where: 'Jenkins, Configuration as Code',
    path: /(?:^|\/)jenkins\.ya?ml$/i,
    line: any,
    use: () =>
      'username: "${BITBUCKET_CLIENT_ID}" and password: "${BITBUCKET_CLIENT_SECRET}", of an OAuth client',
  },
  {
    where: 'Jenkins',
    path: /(?:^|\/)(?:jenkinsfile[^/]*|[^/]*\.groovy)$/i,
    line: /^(?!.*\bcurl\b)/,
    use: () =>
      "checkout scmGit(userRemoteConfigs: [[url: 'https://bitbucket.org/…', credentialsId: 'bitbucket-oauth']]), with the OAuth client or an API token (user name x-bitbucket-api-token-auth) as the credential",
  },
  {
    where: 'npm',
    path: /npmrc$/i,
    line: any,
    use: () =>
      '//npm.apkg.io/…/:_auth=${NPM_AUTH}, a secret of the CI that holds the Base64 of the email address, a colon and the API token',
  },
  {
    where: 'netrc',
    path: /(?:^|\/)[._]netrc$/,
    line: any,
    use: () => 'Delete the file, and let npx bitbucket-token exec run the command, or use git-credential',
  },
  {
    where: 'git’s configuration and credential store',
    path: /(?:^|\/)\.git(?:config|-credentials)$/,
    line: any,
    use: () => '[credential "https://bitbucket.org"] helper = "!npx bitbucket-token git-credential"',
  },
  {
    where: 'Submodules, Composer and package files',
    path: /(?:\.gitmodules|composer\.json|package\.json|requirements[^/]*\.txt|pip\.conf)$/i,
    line: /@bitbucket\.org/i,
    use: () => 'https://bitbucket.org/…, without a user name, and credentials from npx bitbucket-token',
  },
  {
    where: 'Composer’s auth.json',
    path: /(?:^|\/)auth\.json$/,
    line: any,
    use: () =>
      'the variable COMPOSER_AUTH in the CI, with {"bitbucket-oauth": {"bitbucket.org": {"consumer-key": …, "consumer-secret": …}}}',
  },
  {
    where: 'Maven',
    path: /settings[^/]*\.xml$/i,
    line: any,
    use: () => '<username>${env.BITBUCKET_EMAIL}</username><password>${env.BITBUCKET_API_TOKEN}</password>',
  },
  {
    where: 'Backstage',
    path: /app-config[^/]*\.ya?ml$/i,
    line: any,
    use: () =>
      'integrations: bitbucketCloud: - clientId: ${BITBUCKET_CLIENT_ID}, clientSecret: ${BITBUCKET_CLIENT_SECRET}; or username: ${BITBUCKET_EMAIL}, token: ${BITBUCKET_API_TOKEN}',
  },
  {
    where: 'A pipe in bitbucket-pipelines.yml',
    path: /bitbucket-pipelines[^/]*\.ya?ml$/i,
    line: /(?:APP_PASSWORD|APP_PWD)["']?\s{0,4}:/i,
    use: () =>
      'ATLASSIAN_ACCOUNT_EMAIL: $BITBUCKET_EMAIL and ATLASSIAN_API_TOKEN: $BITBUCKET_API_TOKEN, or BITBUCKET_ACCESS_TOKEN: $BITBUCKET_ACCESS_TOKEN (newest version of the pipe)',
  },
  {
    where: 'A git URL',
    path: any,
    line: /@bitbucket\.org/i,
    use: (variable) =>
      `https://x-token-auth:${variable('BITBUCKET_ACCESS_TOKEN')}@bitbucket.org/…, or with an API token https://x-bitbucket-api-token-auth:${variable('BITBUCKET_API_TOKEN')}@bitbucket.org/…`,
  },
  {
    where: 'Bitbucket’s registry of images',
    path: any,
    line: /\bdocker\s.{0,40}\blogin\b/,
    use: (variable) =>
      `echo "${variable('BITBUCKET_API_TOKEN')}" | docker login --username "${variable('BITBUCKET_EMAIL')}" --password-stdin crg.apkg.io`,
  },
  {
    where: 'curl at the token endpoint',
    path: any,
    line: /oauth2\/access_token|grant_type/i,
    use: () =>
      'npx bitbucket-token, or curl -u "$BITBUCKET_CLIENT_ID:$BITBUCKET_CLIENT_SECRET" -d grant_type=client_credentials https://bitbucket.org/site/oauth2/access_token',
  },
  {
    where: 'curl',
    path: any,
    line: /\b(?:curl|wget)\b|(?:^|\s)(?:-u|--user)\b/,
    use: (variable) =>
      `curl -H "Authorization: ${variable('BITBUCKET_AUTHORIZATION')}" …, or curl -u "${variable('BITBUCKET_EMAIL')}:${variable('BITBUCKET_API_TOKEN')}" …`,
  },
  {
    where: 'PowerShell',
    path: /\.psm?1$/i,
    line: any,
    use: () => '-Headers @{ Authorization = $env:BITBUCKET_AUTHORIZATION }',
  },
  {
    where: 'Python (requests)',
    path: /\.pyw?$/i,
    line: any,
    use: () =>
      'auth=(os.environ["BITBUCKET_EMAIL"], os.environ["BITBUCKET_API_TOKEN"]), or headers={"Authorization": os.environ["BITBUCKET_AUTHORIZATION"]}',
  },
  {
    where: 'JavaScript and TypeScript',
    path: /\.[cm]?[jt]sx?$/i,
    line: any,
    use: () =>
      'headers: { Authorization: process.env.BITBUCKET_AUTHORIZATION }, or username: process.env.BITBUCKET_EMAIL, password: process.env.BITBUCKET_API_TOKEN',
  },
  {
    where: 'Go',
    path: /\.go$/i,
    line: any,
    use: () =>
      'req.Header.Set("Authorization", os.Getenv("BITBUCKET_AUTHORIZATION")), or req.SetBasicAuth(os.Getenv("BITBUCKET_EMAIL"), os.Getenv("BITBUCKET_API_TOKEN"))',
  },
  {
    where: 'Java and Kotlin',
    path: /\.(?:java|kt|scala)$/i,
    line: any,
    use: () => '.header("Authorization", System.getenv("BITBUCKET_AUTHORIZATION"))',
  },
  {
    where: 'PHP',
    path: /\.php$/i,
    line: any,
    use: () => "'headers' => ['Authorization' => getenv('BITBUCKET_AUTHORIZATION')]",
  },
  {
    where: 'Ruby',
    path: /\.rb$/i,
    line: any,
    use: () => 'request["Authorization"] = ENV["BITBUCKET_AUTHORIZATION"]',
  },
  {
    where: 'C#',
    path: /\.cs$/i,
    line: any,
    use: () =>
      'request.Headers.Add("Authorization", Environment.GetEnvironmentVariable("BITBUCKET_AUTHORIZATION"))',
  },
  {
    where: 'Ansible',
    path: /\.ya?ml$/i,
    line: jinja,
    use: () =>
      `url_username: "{{ bitbucket_email }}", url_password: "{{ bitbucket_api_token }}", force_basic_auth: true`,
  },
  {
    where: 'GitHub Actions',
    path: /(?:^|\/)\.(?:github|gitea|forgejo)\/.*\.ya?ml$/i,
    line: any,
    use: () =>
      'uses: bitbucket-token/bitbucket-token@v1, with client-id: ${{ secrets.BITBUCKET_CLIENT_ID }} and client-secret: ${{ secrets.BITBUCKET_CLIENT_SECRET }}',
  },
  {
    where: 'A variable of a CI, Compose or Kubernetes',
    path: /(?:\.ya?ml|\.env(?:\.[\w.-]+)?|\.properties|\.toml|\.ini)$/i,
    line: any,
    use: () =>
      'BITBUCKET_EMAIL and BITBUCKET_API_TOKEN, or BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET, from the secrets of the CI',
  },
]

/**
 * Returns what to write in place of a line, or undefined if the language is unknown. It consists only of the text of the
 * recipe, so it cannot contain a secret of the file.
 */
export function recipeFor(path: string, line: string): string | undefined {
  const recipe = recipes.find((row) => row.path.test(path) && row.line.test(line))
  return recipe?.use(variableIn(path, line))
}

/** Returns a recipe for the docs. */
export const recipeText = ({ use }: Recipe): string => use((name) => `$${name}`)
