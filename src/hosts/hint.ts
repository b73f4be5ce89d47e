import { isWindows } from '../windows.ts'
import type { World } from '../world.ts'
import { shellQuote } from './shell-quote.ts'

/** How a person loads what is in `file`, in the shell that most likely started this process. */
export function loadingHint(file: string, world: Pick<World, 'env' | 'platform'>): string {
  const load = `. ${shellQuote(file)}`
  if (!isPowershell(world)) return `For this shell: ${load}`
  const print = 'bitbucket-token print --format powershell | Out-String | Invoke-Expression'
  return `For PowerShell: ${print}. For sh and bash: ${load}`
}

/**
 * PowerShell gives PSModulePath to the processes that it starts (about_PSModulePath). On Windows every process has that
 * variable, and Git Bash sets MSYSTEM.
 */
function isPowershell({ env, platform }: Pick<World, 'env' | 'platform'>): boolean {
  const names = Object.keys(env).map((name) => name.toUpperCase())
  return isWindows({ platform }) ? !names.includes('MSYSTEM') : names.includes('PSMODULEPATH')
}
