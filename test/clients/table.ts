/** What installs a client. `machine` means that it is part of a toolchain, so its version is the machine's. */
export type Ecosystem = 'pip' | 'npm' | 'go' | 'maven' | 'machine'

/** Something that a client does with the sandbox's private repository after `. .bitbucket-token/env.sh`. */
interface Case {
  /** The credential that the client is given, in Markdown. */
  readonly given: string
  /** A shell script. `$REPOSITORY` is the repository's URL, `$CLIENTS` the cache of clients, `$PROGRAMS` test/clients/programs. */
  readonly script: string
  /** What the client prints. Set if it is expected to fail. */
  readonly says?: RegExp
  /**
   * The status of the API's answer to the first request of a client that always uses bitbucket.org. The sandbox does not play
   * what comes after that.
   */
  readonly answer?: 200 | 401
  /** The inputs of the step. By default those of an OAuth client. */
  readonly credential?: 'apiToken'
}

interface Client {
  /** The version to install, or for `machine` the version with which the table was made. */
  readonly version: string
  readonly from: Ecosystem
  /** The package's name, if it differs from the client's. */
  readonly package?: string
  /** The program that must be on PATH to run the client. */
  readonly needs: string
  /** For `machine`: a command that prints a line with the version. */
  readonly versionCommand?: string
  /** Why the client behaves this way and what to do if it does not work, in Markdown. */
  readonly because: string
  readonly cases: readonly Case[]
}

const nothing = 'nothing'
const userAndPassword = '`BITBUCKET_GIT_USERNAME` and `BITBUCKET_ACCESS_TOKEN`'
const noVariables = 'It does not read `GIT_CONFIG_COUNT`, so pass the credential to it.'
const runsGit = 'It runs git.'

/** Returns cases for a client that takes a user name and password in its own way and ignores git's configuration. */
const ofItsOwn = (command: string, says: RegExp): readonly Case[] => [
  { given: nothing, script: `${command} "$REPOSITORY" clone`, says },
  { given: userAndPassword, script: `${command} "$REPOSITORY" clone credentials && test -f clone/README.md` },
]

const composerProject = (repository: string, config = '') =>
  `printf '%s' '{ "repositories": [${repository}, { "packagist.org": false }], "require": { "sandbox/hello": "dev-main" }${config} }' >composer.json
`
const composerOfApi = (user: string) =>
  `${composerProject('{ "type": "vcs", "url": "https://bitbucket.org/acme/website.git" }')}
export COMPOSER_AUTH="{\\"http-basic\\":{\\"bitbucket.org\\":{\\"username\\":\\"${user}\\",\\"password\\":\\"$BITBUCKET_ACCESS_TOKEN\\"}}}"
composer update --no-interaction`

const rest = (command: string, says: RegExp): readonly Case[] => [
  { given: nothing, script: `${command} sandbox/hello`, says },
  { given: '`BITBUCKET_ACCESS_TOKEN`', script: `test "$(${command} sandbox/hello token)" = sandbox/hello` },
  {
    given: '`BITBUCKET_EMAIL` and `BITBUCKET_ACCESS_TOKEN`, API token',
    script: `test "$(${command} sandbox/hello api-token)" = sandbox/hello`,
    credential: 'apiToken',
  },
]

const lfs = (directory: string): readonly Case[] => [
  {
    given: '`git lfs install`',
    script: `${directory}git lfs install --skip-repo
git clone --quiet "$REPOSITORY" one && cd one
git lfs track '*.bin' && head -c 10000 /dev/urandom >large.bin && git add . && git commit --quiet --message Large
git push --quiet origin HEAD:large-$$ && cd ..
git clone --quiet --branch large-$$ "$REPOSITORY" two && cmp one/large.bin two/large.bin`,
  },
]

const cargo = `mkdir src && : >src/lib.rs
printf '[package]\\nname = "app"\\nversion = "1.0.0"\\nedition = "2021"\\n[dependencies]\\nhello = { git = "%s" }\\n' "$REPOSITORY" >Cargo.toml
`

const poetry = `printf '[project]\\nname = "app"\\nversion = "1.0.0"\\nrequires-python = ">=3.11"\\n[tool.poetry]\\npackage-mode = false\\n[tool.poetry.dependencies]\\nhello = { git = "%s" }\\n' "$REPOSITORY" >pyproject.toml
`

const store = `git config --global credential.helper "store --file '$BITBUCKET_GIT_CREDENTIALS_FILE'"\n`

/** How each client uses the results. `npm run generate` writes the table into docs/git.md. */
export const clients: Readonly<Record<string, Client>> = {
  git: {
    version: '2.39.5',
    from: 'machine',
    needs: 'git',
    versionCommand: 'git --version',
    because: 'It needs git 2.31 or later.',
    cases: [
      { given: nothing, script: 'git clone --quiet "$REPOSITORY" clone && test -f clone/README.md' },
      {
        given: 'nothing, API token',
        script: 'git clone --quiet "$REPOSITORY" clone && test -f clone/README.md',
        credential: 'apiToken',
      },
      {
        given: 'the git-credentials file, in a clean environment',
        script: `env -i PATH="$PATH" HOME="$HOME" git -c "credential.helper=store --file '$BITBUCKET_GIT_CREDENTIALS_FILE'" \\
  clone --quiet "$REPOSITORY" clone && test -f clone/README.md`,
      },
    ],
  },
  'git-lfs, of Debian': {
    version: '3.3.0',
    from: 'machine',
    needs: 'git-lfs',
    versionCommand: 'git lfs version',
    because: 'It asks git for the credential.',
    cases: lfs(''),
  },
  'git-lfs, newest': {
    version: '3.8.1',
    from: 'go',
    package: 'github.com/git-lfs/git-lfs/v3',
    needs: 'go',
    because: 'It asks git for the credential.',
    cases: lfs('export PATH="$CLIENTS/go:$PATH"\ngit lfs version | grep -F 3.8.1\n'),
  },
  'libgit2 (pygit2)': {
    version: '1.21.0',
    from: 'pip',
    package: 'pygit2',
    needs: 'python3',
    because: noVariables,
    cases: ofItsOwn('python "$PROGRAMS/pygit2_clone.py"', /authentication required/),
  },
  JGit: {
    version: '7.3.0.202506031305-r',
    from: 'maven',
    needs: 'java',
    because: noVariables,
    cases: ofItsOwn(
      'java -cp "$CLIENTS/maven/*" "$PROGRAMS/java/Clone.java"',
      /Authentication is required but no CredentialsProvider has been registered/,
    ),
  },
  'go-git': {
    version: '5.19.3',
    from: 'go',
    package: 'github.com/go-git/go-git/v5',
    needs: 'go',
    because: noVariables,
    cases: ofItsOwn('"$CLIENTS/go/clients" clone', /authentication required/),
  },
  dulwich: {
    version: '1.2.21',
    from: 'pip',
    needs: 'python3',
    because: noVariables,
    cases: ofItsOwn('python "$PROGRAMS/dulwich_clone.py"', /HTTPUnauthorized/),
  },
  'isomorphic-git': {
    version: '1.44.19',
    from: 'npm',
    needs: 'npm',
    because: noVariables,
    cases: ofItsOwn('node "$PROGRAMS/isomorphic-git.mjs"', /HTTP Error: 401/),
  },
  'go get': {
    version: '1.26.8',
    from: 'machine',
    needs: 'go',
    versionCommand: 'go version',
    because: `${runsGit} Without \`GOPRIVATE\` it asks the public proxy first.`,
    cases: [
      {
        given: '`GOPRIVATE=bitbucket.org/acme/*`',
        // go accepts no port in a module path.
        script: `git config --global "url.$REPOSITORY.insteadOf" https://bitbucket.org/acme/website
go mod init app && GOPRIVATE='bitbucket.org/acme/*' go get bitbucket.org/acme/website && grep bitbucket.org/acme/website go.mod`,
      },
    ],
  },
  cargo: {
    version: '1.95.0',
    from: 'machine',
    needs: 'cargo',
    versionCommand: 'cargo --version',
    because: 'It uses libgit2, which does not read `GIT_CONFIG_COUNT`, unless told to run git.',
    cases: [
      {
        given: nothing,
        script: `${cargo}cargo fetch`,
        says: /failed to acquire username\/password from local configuration/,
      },
      {
        given: '`CARGO_NET_GIT_FETCH_WITH_CLI=true`',
        script: `${cargo}CARGO_NET_GIT_FETCH_WITH_CLI=true cargo fetch && grep hello Cargo.lock`,
      },
      {
        given: 'the git-credentials file, as `credential.helper` in `~/.gitconfig`',
        script: `${cargo}${store}cargo fetch && grep hello Cargo.lock`,
      },
    ],
  },
  pip: {
    version: '26.3',
    from: 'pip',
    needs: 'python3',
    because: runsGit,
    cases: [
      {
        given: nothing,
        script:
          'pip install --quiet --no-deps --target here "hello @ git+$REPOSITORY" && test -f here/hello.py',
      },
    ],
  },
  uv: {
    version: '0.13.9',
    from: 'pip',
    needs: 'python3',
    because: runsGit,
    cases: [
      {
        given: nothing,
        script:
          'uv pip install --quiet --python "$CLIENTS/pip/bin/python" --target here "hello @ git+$REPOSITORY" && test -f here/hello.py',
      },
    ],
  },
  poetry: {
    version: '2.5.1',
    from: 'pip',
    needs: 'python3',
    because: 'It tries dulwich, and runs git if that is refused.',
    cases: [{ given: nothing, script: `${poetry}poetry lock --no-interaction && grep hello poetry.lock` }],
  },
  npm: {
    version: '11.19.1',
    from: 'machine',
    needs: 'npm',
    versionCommand: 'npm --version',
    because: runsGit,
    cases: [
      { given: nothing, script: 'npm install "git+$REPOSITORY" && test -f node_modules/hello/package.json' },
    ],
  },
  pnpm: {
    version: '12.21.0',
    from: 'npm',
    needs: 'npm',
    because: runsGit,
    cases: [
      { given: nothing, script: 'pnpm add "git+$REPOSITORY" && test -f node_modules/hello/package.json' },
    ],
  },
  yarn: {
    version: '1.22.22',
    from: 'npm',
    needs: 'npm',
    because: runsGit,
    cases: [
      { given: nothing, script: 'yarn add "git+$REPOSITORY" && test -f node_modules/hello/package.json' },
    ],
  },
  composer: {
    version: '2.5.5',
    from: 'machine',
    needs: 'composer',
    versionCommand: 'composer --version',
    because:
      'It runs git for a repository of the type `git`, and asks the REST API for one of the type `vcs`.',
    cases: [
      {
        given: '`"type": "git"` in `composer.json`',
        script: `${composerProject('{ "type": "git", "url": "\'"$REPOSITORY"\'" }', ', "config": { "secure-http": false }')}
composer update --no-interaction && test -f vendor/sandbox/hello/composer.json`,
      },
      {
        given: '`COMPOSER_AUTH`, user `$BITBUCKET_GIT_USERNAME`',
        script: composerOfApi('$BITBUCKET_GIT_USERNAME'),
        answer: 200,
      },
      {
        given: '`COMPOSER_AUTH`, user `$BITBUCKET_GIT_USERNAME`, API token',
        script: composerOfApi('$BITBUCKET_GIT_USERNAME'),
        credential: 'apiToken',
        answer: 401,
      },
      {
        given: '`COMPOSER_AUTH`, user `$BITBUCKET_EMAIL`, API token',
        script: composerOfApi('$BITBUCKET_EMAIL'),
        credential: 'apiToken',
        answer: 200,
      },
    ],
  },
  terraform: {
    version: '1.11.4',
    from: 'machine',
    needs: 'terraform',
    versionCommand: 'terraform version | head -n 1',
    because: runsGit,
    cases: [
      {
        given: nothing,
        script: `printf 'module "hello" {\\n  source = "git::%s"\\n}\\n' "$REPOSITORY" >main.tf
terraform get && test -f .terraform/modules/hello/outputs.tf`,
      },
    ],
  },
  'bitbucket (npm)': {
    version: '2.12.0',
    from: 'npm',
    package: 'bitbucket',
    needs: 'npm',
    because: 'Pass `auth: { token }`, for an API token `auth: { username, password }`.',
    cases: rest('node "$PROGRAMS/bitbucket.mjs"', /HTTPError: 404/),
  },
  'atlassian-python-api': {
    version: '5.0.5',
    from: 'pip',
    needs: 'python3',
    because: 'Pass `token=` to `Cloud`, for an API token `username=` and `password=`.',
    cases: rest('python "$PROGRAMS/atlassian_rest.py"', /You may not have access to this repository/),
  },
  'go-bitbucket': {
    version: '0.10.0',
    from: 'go',
    package: 'github.com/ktrysmt/go-bitbucket',
    needs: 'go',
    because: 'Use `NewOAuthbearerToken`, for an API token `NewBasicAuth`.',
    cases: rest('"$CLIENTS/go/clients" rest', /404 Not Found/),
  },
}

/** Clients that no package manager offers or that were not tested, with the reason. */
export const untested: Readonly<Record<string, string>> = {
  'git 2.31, and the newest':
    'not offered: Debian has one version of git, and no other package manager has any',
  OpenTofu: 'not tried: it fetches modules as Terraform does',
  Renovate: 'not tried: its dry run asks for pull requests, which the sandbox does not play',
}
