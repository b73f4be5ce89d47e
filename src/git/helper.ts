import { createHash } from 'node:crypto'
import { refusalLimit, refusedPrefix } from './refusals.ts'

/** The variables that the helper of one scope reads. */
export interface HelperVariables {
  /** The token itself. */
  readonly password: string
  /** See {@link loginOf}. */
  readonly login: string
}

/**
 * Names the variables of a scope so that no two scopes share one. The usual scope has the name that documents show;
 * if letters had to be replaced, a digest of the whole scope follows behind two underscores, which no host's own
 * name has.
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

/** What the helper must know besides the token. None of it is secret. */
export interface Login {
  readonly gitUsername: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined
  /** A name of this run that no other run has; the helper counts refusals under it. */
  readonly run: string
}

/** The value of the login variable: user name, end in seconds (0 if unknown) and as ISO 8601, and the run. */
export function loginOf({ gitUsername, expiresAt, run }: Login): string {
  const end = expiresAt === undefined ? 0 : Math.floor(expiresAt / 1_000)
  const time = expiresAt === undefined ? '-' : new Date(end * 1_000).toISOString().replace('.000Z', 'Z')
  return [gitUsername, end, time, run].join(' ')
}

/**
 * Returns the helper of a scope: one line of POSIX sh, which git also finds on Windows. It is the same in every run,
 * because all that differs is in the variables; so any two runs for a scope can share it.
 *
 * - Its first command turns tracing off: a bash that inherits `SHELLOPTS=xtrace` would show the token.
 * - After the token's end it does not answer: git before 2.41 does not read `password_expiry_utc`.
 * - It counts refusals, because git-lfs asks again after each, without end (git-lfs issue 2833). Two processes never
 *   take the same number, because a file is made only once (`set -C`). A success (`store`) resets the count.
 * - `quit=1` makes git stop instead of asking the next helper or a person (git: credential.c).
 */
export function helperScript({ password, login }: HelperVariables): string {
  const count = Array.from({ length: refusalLimit }, (_, index) => index + 1).join(' ')
  // Where to count: the runner empties the first directory, and a read-only container has the last.
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
