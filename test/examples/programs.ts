import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from '../e2e/support/program.ts'
import { root } from './documents.ts'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const imageName = `bitbuckettoken/bitbucket-token:${version}`

const program = `exec '${process.execPath}' '${bundle}'`

const programs: Readonly<Record<string, string>> = {
  'bitbucket-token': `#!/bin/sh\n${program} "$@"`,

  // The real npx would look for the package in the registry.
  npx: `#!/bin/sh
    [ "$1" != --yes ] || shift
    case $1 in bitbucket-token | bitbucket-token@1) shift ;; *) exit 64 ;; esac
    ${program} "$@"`,

  // The agent's own program. It reads values to redact and variables to set from standard input.
  'buildkite-agent': '#!/bin/sh\ncat >/dev/null',
}

/** Replaces `docker run`: runs `dist` with only the variables and the working directory that a container would get. */
const withoutEngine = `#!/bin/bash
  [ "$1" = run ] || exit 64
  shift
  given=("PATH=$PATH" "HTTPS_PROXY=$HTTPS_PROXY" "NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS")
  while [[ $1 == --* ]]; do
    case $1 in
      --rm) shift; continue ;;
      --env)
        case $2 in
          *=*) given+=("$2") ;;
          *) if [[ -n \${!2+set} ]]; then given+=("$2=\${!2}"); fi ;;
        esac ;;
      --env-file) while IFS= read -r line; do given+=("$line"); done <"$2" ;;
      --workdir) cd "$2" ;;
      --user | --volume) ;;
      *) echo "docker: unknown option $1" >&2; exit 125 ;;
    esac
    shift 2
  done
  [ "$1" = ${imageName} ] || { echo "docker: no image $1" >&2; exit 125; }
  shift
  exec env --ignore-environment "\${given[@]}" '${process.execPath}' '${bundle}' "$@"`

/** Calls the real client with the image under test. The container can reach the sandbox and trusts its certificate. */
const withEngine = (image: string, authority: string): string => `#!/bin/bash
  PATH=\${PATH#*:}
  words=()
  for word; do
    case $word in
      ${imageName} | ${imageName}-git) words+=('${image}'"\${word#${imageName}}") ;;
      *) words+=("$word") ;;
    esac
  done
  [ "\${words[0]}" = run ] || exit 64
  exec docker run --network=host --env HTTPS_PROXY --env NODE_EXTRA_CA_CERTS \\
    --volume '${authority}:${authority}:ro' "\${words[@]:1}"`

/** Runs our image as a CI runs a container step: with all variables of the job. */
const asContainer = `#!/bin/bash
  for name in $(compgen -e | grep -E '^(BITBUCKET_|PLUGIN_|DRONE|HARNESS_|CI$)'); do variables+=(--env "$name"); done
  exec docker run --rm "\${variables[@]}" --user "$(id -u):$(id -g)" --volume "$PWD:$PWD" --workdir "$PWD" \\
    ${imageName} "$@"`

/** Runs a command in an image as a CI runs a job in it: with all variables of the job, and no entry point. */
const inJobImage = `#!/bin/bash
  for name in $(compgen -e | grep -vE '^(PATH|HOME|PWD|OLDPWD|SHLVL|DOCKER_HOST|_)$'); do variables+=(--env "$name"); done
  exec docker run --rm "\${variables[@]}" --user "$(id -u):$(id -g)" --volume "$PWD:$PWD" --workdir "$PWD" \\
    --entrypoint "$2" "$1" "\${@:3}"`

/**
 * Creates the programs that the docs use, in a directory that comes first on PATH.
 *
 * @param image the image for `docker run` in a real engine; without it, a script replaces `docker`
 * @param authority the certificate of the authority that signed the sandbox's
 */
export function installPrograms(
  directory: string,
  more: Readonly<Record<string, string>>,
  image: string | undefined,
  authority: string,
): void {
  const docker = image === undefined ? withoutEngine : withEngine(image, authority)
  const all = {
    ...programs,
    ...more,
    docker,
    ...(image !== undefined && { 'bitbucket-token': asContainer, 'in-job-image': inJobImage }),
  }
  mkdirSync(directory)
  for (const [name, script] of Object.entries(all)) {
    writeFileSync(join(directory, name), `${script}\n`)
    chmodSync(join(directory, name), 0o755)
  }
}
