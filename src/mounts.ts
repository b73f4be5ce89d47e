import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { realPath } from './paths.ts'

/** Something mounted: where, and what kind of file system it is. */
export interface Mount {
  readonly path: string
  readonly type: string
}

/** Returns what is mounted in this process's view, in the order of mounting; nothing where the system does not say. */
export function mounts(file = '/proc/self/mountinfo'): Mount[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  // proc(5): the fifth field, with blanks and the like as octal numbers; the type comes after the separator.
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

/** Returns the mount on which a path lies, or would lie if it were made. */
export function mountOf(path: string, all: readonly Mount[]): Mount | undefined {
  const real = realPath(path)
  const isAbove = (mount: Mount) =>
    mount.path === '/' || mount.path === real || real.startsWith(`${mount.path}/`)
  // The longest; of several at one place the last, which hides the others.
  return all
    .filter(isAbove)
    .reduce<Mount | undefined>(
      (best, mount) => (best !== undefined && best.path.length > mount.path.length ? best : mount),
      undefined,
    )
}

/**
 * Whether what is written to a path is gone as soon as this process ends: it is the one program of a container, and the
 * path lies in the container's own file system. (In a container that runs a shell, later lines can use the file.)
 * @param proc where the system shows its processes; another place for tests
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

/** Whether process 1 only starts this script, as `docker run --init` has it: the script is one of its arguments. */
function isInitOf(script: string | undefined, proc: string): boolean {
  try {
    return script !== undefined && readFileSync(join(proc, '1/cmdline'), 'utf8').split('\0').includes(script)
  } catch {
    return false
  }
}
