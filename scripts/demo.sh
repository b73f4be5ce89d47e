#!/bin/sh
# The main job from end to end, as a CI job would see it. `npm run demo` runs it against the embedded sandbox,
# which has put BITBUCKET_URL, BITBUCKET_API_URL, BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET into the environment.
set -eu

program=$(cd "$(dirname "$0")/.." && pwd)/dist/index.js
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n== %s\n' "$*"; }

say 'A job gets a token: bitbucket-token acquire'
node "$program" --repository sandbox/hello --scopes repository:write

say 'What it left for the rest of the job'
ls -l .bitbucket-token

say 'The same shell takes it: . .bitbucket-token/env.sh'
# shellcheck source=/dev/null
. ./.bitbucket-token/env.sh
printf 'The token has %s characters and ends at %s.\n' "${#BITBUCKET_ACCESS_TOKEN}" "$BITBUCKET_TOKEN_EXPIRES_AT"

say 'The REST API takes the token'
node -e '
  fetch(process.env.BITBUCKET_API_URL + "/2.0/repositories/sandbox/hello", {
    headers: { authorization: process.env.BITBUCKET_AUTHORIZATION },
  }).then(async (response) => console.log(response.status, (await response.json()).full_name))
'

if command -v git >/dev/null; then
  say 'git uses it, with no configuration of its own'
  git clone --quiet "$BITBUCKET_URL/sandbox/hello.git"
  git -C hello log --oneline
else
  say 'git is not installed: the clone is left out'
fi

say 'A wrong secret is told so, with what to do next'
unset BITBUCKET_ACCESS_TOKEN
BITBUCKET_CLIENT_SECRET=mistyped node "$program" || printf 'Exit status %s.\n' "$?"

say 'Done.'
