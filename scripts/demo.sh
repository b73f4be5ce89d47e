#!/bin/sh
# Shows a whole CI job. `npm run demo` runs it against the embedded sandbox, which sets BITBUCKET_URL,
# BITBUCKET_API_URL, BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET.
set -eu

program=$(cd "$(dirname "$0")/.." && pwd)/dist/index.js
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n== %s\n' "$*"; }

say 'A job gets a token: bitbucket-token acquire'
node "$program" --repository sandbox/hello --scopes repository:write

say 'The files for the rest of the job'
ls -l .bitbucket-token

say 'The shell reads the variables: . .bitbucket-token/env.sh'
# shellcheck source=/dev/null
. ./.bitbucket-token/env.sh
printf 'The token has %s characters and expires at %s.\n' "${#BITBUCKET_ACCESS_TOKEN}" "$BITBUCKET_TOKEN_EXPIRES_AT"

say 'The REST API accepts the token'
node -e '
  fetch(process.env.BITBUCKET_API_URL + "/2.0/repositories/sandbox/hello", {
    headers: { authorization: process.env.BITBUCKET_AUTHORIZATION },
  }).then(async (response) => console.log(response.status, (await response.json()).full_name))
'

if command -v git >/dev/null; then
  say 'git uses the token, without a configuration file'
  git clone --quiet "$BITBUCKET_URL/sandbox/hello.git"
  git -C hello log --oneline
else
  say 'Skipped the clone, because git is not installed'
fi

say 'A wrong secret gives an error that says what to do next'
unset BITBUCKET_ACCESS_TOKEN
BITBUCKET_CLIENT_SECRET=mistyped node "$program" || printf 'Exit status %s.\n' "$?"

say 'Done.'
