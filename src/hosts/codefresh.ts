import { join } from 'node:path'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { type Host, revealed } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'
import { type RunProcess, runProcess } from './process.ts'

/**
 * Codefresh (codefresh.io/docs, "Variables in pipelines"). `cf_export --mask` hands a variable to later steps and hides
 * it from then on; it gets the names alone, and finds the values in its environment, for everybody can read arguments.
 * The file behind it, `env_vars_to_export`, would show the values in the list of variables. Git's configuration goes
 * through env.sh, since nothing says how cf_export treats quotes and backslashes.
 */
export function codefresh(
  world: World,
  path: string | undefined,
  debug: boolean,
  run: RunProcess = runProcess,
): Host {
  const host = outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty:
      'On Codefresh only pipelines that import a shared configuration get its variables. A pull request from a fork gets no encrypted variables unless the trigger allows it.',
  })
  return {
    ...host,
    handOver(results) {
      const inThisShell = host.handOver(results)
      if (inThisShell === undefined) return undefined
      const carried = [...results.variables].filter(([, value]) => isCarried(revealed(value)))
      const secret = carried.filter(([, value]) => value instanceof Secret)
      const plain = carried.filter(([, value]) => !(value instanceof Secret))
      const isExported = exported(['--mask'], secret, world, run) && exported([], plain, world, run)
      const names = secret.map(([name]) => name).join(' ')
      const later = isExported
        ? 'Later steps get the variables, hidden in their logs. For the git configuration, load the file, which they share.'
        : `cf_export was not found. For later steps, load the file and run cf_export --mask ${names}.`
      return `${later} ${inThisShell}`
    },
  }
}

function exported(
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

/** A value of several lines is cut ("Multi-line variables with cf_export"); an empty one has no documented meaning. */
const isCarried = (value: string): boolean => value !== '' && !/[\r\n]/.test(value)
