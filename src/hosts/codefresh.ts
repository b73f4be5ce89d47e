import { join } from 'node:path'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { type Host, secretAndPlain } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'
import { type RunProcess, runProcess } from './process.ts'

/**
 * Codefresh (codefresh.io/docs, "Variables in pipelines"). `cf_export --mask` exports a variable to later steps and
 * masks it from then on. It gets only names as arguments and reads the values from its environment, because everybody
 * can read arguments. Its file `env_vars_to_export` is not used, because the list of variables would show the values.
 * Git's configuration goes through env.sh, because the quoting rules of cf_export are not documented.
 */
export function codefresh(
  world: World,
  path: string | undefined,
  debug: boolean,
  run: RunProcess = runProcess,
): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On Codefresh only pipelines that import a shared configuration get its variables. A pull request from a fork gets no encrypted variables unless the trigger allows it.',
    passOn({ variables }) {
      const [secret, plain] = secretAndPlain(variables, isUnchanged)
      const isExported =
        exportVariables(['--mask'], secret, world, run) && exportVariables([], plain, world, run)
      const names = secret.map(([name]) => name).join(' ')
      return isExported
        ? 'Later steps get the variables, hidden in their logs. For the git configuration, load the file, which they share.'
        : `cf_export was not found. For later steps, load the file and run cf_export --mask ${names}.`
    },
  })
}

/** Exports variables with cf_export, from the PATH or from the shared volume. @returns whether that succeeded */
function exportVariables(
  options: readonly string[],
  variables: readonly (readonly [string, string | Secret])[],
  { env }: World,
  run: RunProcess,
): boolean {
  if (variables.length === 0) return true
  const args = [...options, ...variables.map(([name]) => name)]
  const volume = env['CF_VOLUME_PATH']
  const places = ['cf_export', ...(volume ? [join(volume, 'cf_export')] : [])]
  return places.some((place) => run(place, args, { env: { ...env, ...Object.fromEntries(variables) } }))
}

/**
 * Whether cf_export passes a value on unchanged. It cuts multi-line values ("Multi-line variables with cf_export"), and
 * does not document empty ones.
 */
const isUnchanged = (value: string): boolean => value !== '' && !/[\r\n]/.test(value)
