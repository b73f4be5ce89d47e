import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { realPath } from './paths.ts'

/** A mount: its path and the type of its file system. */
export interface Mount {
  readonly path: string
  readonly type: string
}

/** Returns the mounts that this process sees, in the order of mounting. Returns none if the system has no such list. */
export function mounts(file = '/proc/self/mountinfo'): Mount[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  // proc(5): the path is the fifth field, with spaces and similar characters as octal numbers. The type follows the `-`.
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const path = fields[4]
    if (path === undefined) return []
    const type = fields[fields.indexOf('-') + 1] ?? ''
    return [
      {
        path: path.replace(/\\(\d{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
        type,
      },
    ]
  })
}

/** Returns the mount that contains a path. The path need not exist. */
export function mountOf(path: string, all: readonly Mount[]): Mount | undefined {
  const real = realPath(path)
  const isAbove = (mount: Mount) =>
    mount.path === '/' || mount.path === real || real.startsWith(`${mount.path}/`)
  const above = all.filter(isAbove)
  const longest = Math.max(...above.map((mount) => mount.path.length))
  // Of several mounts at one path, the last one hides the others.
  return above.findLast((mount) => mount.path.length === longest)
}

/**
 * Whether a file at the path is lost when this process ends: the process is the only program of a container, and the path
 * is in the container's own file system. (In a container that runs a shell, later commands can use the file.)
 * @param proc the directory where the system lists its processes; tests use another one
 */
export function endsWithContainer(
  path: string,
  { pid, ppid, argv }: Pick<NodeJS.Process, 'pid' | 'ppid' | 'argv'>,
  proc = '/proc',
): boolean {
  if (pid !== 1 && !(ppid === 1 && isInitOf(argv[1], proc))) return false
  const all = mounts(join(proc, 'self/mountinfo'))
  const isContainer =
    mountOf('/', all)?.type === 'overlay' || existsSync('/.dockerenv') || existsSync('/run/.containerenv')
  return isContainer && mountOf(path, all)?.path === '/'
}

/** Whether process 1 only starts this script, as with `docker run --init`: then the script is one of its arguments. */
function isInitOf(script: string | undefined, proc: string): boolean {
  try {
    return script !== undefined && readFileSync(join(proc, '1/cmdline'), 'utf8').split('\0').includes(script)
  } catch {
    return false
  }
}
