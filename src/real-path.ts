import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Returns a path without links, also if its last parts do not exist yet. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path))
  }
}
