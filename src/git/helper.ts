import { createHash } from 'node:crypto'
import { refusedPrefix } from './shared-config.ts'

/** After this many refusals the helper no longer returns the token. */
export const refusalLimit = 3

/** The variables that the helper of one scope reads. */
interface HelperVariables {
  /** The token itself. */
  readonly password: string
  /** See {@link loginOf}. */
  readonly login: string
}

/**
 * Returns the names of a scope's variables, which are different for each scope. A plain host has the name that the docs
 * show. If characters had to be replaced, two underscores and a digest of the whole scope follow. No plain host's name
 * has two underscores.
 * @param scope an origin, or an origin with a path: `https://bitbucket.org/acme`
 */
export function variablesOfScope(scope: string): HelperVariables {
  const [, plainHost] = /^https:\/\/([a-z0-9]+(?:\.[a-z0-9]+)*)$/.exec(scope) ?? []
  const readable = (plainHost ?? scope.replace(/^\w+:\/\//, ''))
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
  const suffix = plainHost === undefined ? `${readable}__${digest(scope)}` : readable
  return { password: `BITBUCKET_GIT_PASSWORD_${suffix}`, login: `BITBUCKET_GIT_LOGIN_${suffix}` }
}

const digest = (scope: string): string =>
  createHash('sha256').update(scope).digest('hex').slice(0, 8).toUpperCase()

/** What the helper needs besides the token. It contains no secret. */
export interface Login {
  readonly gitUsername: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined
  /** A unique name of this run, under which the helper counts refusals. */
  readonly run: string
}

/**
 * Returns the value of the login variable: user name, expiry in seconds (0 if unknown), expiry as ISO 8601, and the
 * run.
 */
export function loginOf({ gitUsername, expiresAt, run }: Login): string {
  const end = expiresAt === undefined ? 0 : Math.floor(expiresAt / 1_000)
  const time = expiresAt === undefined ? '-' : new Date(end * 1_000).toISOString().replace('.000Z', 'Z')
  return [gitUsername, end, time, run].join(' ')
}

/**
 * Returns the helper of a scope: one line of POSIX sh, which git can run on Windows too. It is the same in every run,
 * because everything that differs is in the variables. So several runs for a scope can share it.
 *
 * - Its first command turns tracing off, because a bash that inherits `SHELLOPTS=xtrace` would print the token.
 * - It does not return an expired token, because git before 2.41 does not read `password_expiry_utc`.
 * - It counts refusals, because git-lfs asks again after each one, without end (git-lfs issue 2833). Two processes
 *   never take the same number, because `set -C` creates a file only once. A success (`store`) resets the count.
 * - `quit=1` makes git stop, so it asks neither the next helper nor a person (git: credential.c).
 *
 * Its variables: `p` is the password, `o` the operation, `$1` to `$4` are the words of {@link loginOf}, `d` is the directory
 * of the counts (`/dev/null/none` cannot exist), `t` its parent, `l` a line from git, and `n` a count.
 */
export function helperScript({ password, login }: HelperVariables): string {
  const count = Array.from({ length: refusalLimit }, (_, index) => index + 1).join(' ')
  // Counts in the first of these directories that is writable. The runner empties RUNNER_TEMP; a read-only container
  // has /dev/shm.
  return `!{ set +vx; } 2>/dev/null; f() {
    p=\${${password}-}; o=$1; d=/dev/null/none;
    test -n "$p" || exit 0;
    set -- \${${login}-};
    for t in "\${RUNNER_TEMP-}" "\${TMPDIR-}" /tmp /dev/shm; do
      if test -n "\${4-}" && test -n "$t" && test -d "$t" && test -w "$t"; then
        d=$t/${refusedPrefix}$4-$(id -u); break;
      fi;
    done;
    if test -L "$d" || { test -e "$d" && ! test -O "$d"; }; then d=/dev/null/none; fi;
    case $o in
      get)
        if test -e "$d/${refusalLimit}"; then
          echo "bitbucket-token: Bitbucket refused this token ${refusalLimit} times, so git does not get it again.
            Run bitbucket-token check to find out why, then run bitbucket-token again." >&2;
          echo quit=1;
        elif test "\${2:-0}" != 0 && test "$(date +%s)" -ge "$2" 2>/dev/null; then
          echo "bitbucket-token: the token expired at $3; run bitbucket-token again" >&2;
          echo quit=1;
        else
          printf "username=%s\\npassword=%s\\n" "\${1:-x-token-auth}" "$p";
          if test "\${2:-0}" != 0; then printf "password_expiry_utc=%s\\n" "$2"; fi;
        fi ;;
      store)
        if test -d "$d"; then rm -rf "$d"; fi ;;
      erase)
        while IFS= read -r l; do
          if test "$l" = "password=$p"; then
            mkdir -m 700 "$d" 2>/dev/null || :;
            for n in ${count}; do if (set -C; : >"$d/$n") 2>/dev/null; then break; fi; done;
          fi;
        done ;;
    esac;
  }; f`.replace(/\n\s*/g, ' ')
}
