import { isWindows } from '../windows.ts'
import type { World } from '../world.ts'
import { shellQuote } from './shell-quote.ts'

/** Tells how to load `file` in the shell that probably started this process. */
export function loadingHint(file: string, world: Pick<World, 'env' | 'platform'>): string {
  const load = `. ${shellQuote(file)}`
  if (!isPowershell(world)) return `For this shell: ${load}`
  const print = 'bitbucket-token print --format powershell | Out-String | Invoke-Expression'
  return `For PowerShell: ${print}. For sh and bash: ${load}`
}

/**
 * Whether PowerShell probably started this process. PowerShell sets PSModulePath for its child processes
 * (about_PSModulePath). On Windows every process has that variable, but Git Bash also sets MSYSTEM.
 */
function isPowershell({ env, platform }: Pick<World, 'env' | 'platform'>): boolean {
  const names = Object.keys(env).map((name) => name.toUpperCase())
  return isWindows({ platform }) ? !names.includes('MSYSTEM') : names.includes('PSMODULEPATH')
}
