import { renameSync } from 'node:fs'
import { win32 } from 'node:path'
import type { World } from './world.ts'

/** What decides whether, and where, something is done as Windows wants it. */
export type System = Pick<World, 'platform' | 'env'>

export const isWindows = ({ platform }: Pick<System, 'platform'>): boolean => platform === 'win32'

/**
 * A program that Windows brings, by its whole path: a bare name would first be looked for in the current directory
 * (CreateProcess: "Searching for the file"), which in a job is somebody's clone.
 */
export function systemProgram(name: string, env: System['env']): string {
  // A copy of the environment, unlike the original, tells `SystemRoot` from `SYSTEMROOT`, as MSYS writes it.
  const root = Object.entries(env).find(([variable]) => variable.toUpperCase() === 'SYSTEMROOT')?.[1]
  return win32.join(root || 'C:\\Windows', 'System32', name)
}

/**
 * On Windows node looks for a program by a bare name, such as `git`, in the directory where it is to run before it looks
 * at the PATH, and that directory is often somebody's clone. With this variable it does not (libuv pull 4238, so Node
 * 20.12 and later), nor do the programs that inherit it.
 */
export function lookForProgramsOnPathOnly({ platform, env }: Pick<NodeJS.Process, 'platform' | 'env'>): void {
  if (isWindows({ platform })) env['NoDefaultCurrentDirectoryInExePath'] = '1'
}

/**
 * Lets only its owner into a directory, and to what is made in it, where a mode says nothing: there a directory has the
 * rights of the one above it. S-1-3-4 is "Owner Rights", which unlike a user's name is the same in every language and
 * also there for a service's account.
 * @throws {Error} where that fails; a mode that was asked for and is not kept would not be noticed otherwise
 */
export function keepOthersOut(directory: string, { env }: Pick<System, 'env'>): void {
  // Loaded by nobody else: node:child_process takes as long to load as the rest of a start.
  const processes = process.getBuiltinModule?.('node:child_process')
  if (processes === undefined) throw new Error('on Windows this needs Node 20.16 or later')
  const program = systemProgram('icacls.exe', env)
  const rights = ['/inheritance:r', '/grant:r', '*S-1-3-4:(OI)(CI)F', '/q']
  const { status, error } = processes.spawnSync(program, [directory, ...rights], {
    // Not all of ours, which holds the inputs; what every program there needs, libuv adds (`required_vars`, win/process.c).
    env: { PATH: env['PATH'] },
    stdio: 'ignore',
    timeout: 10_000,
    windowsHide: true,
  })
  if (status !== 0)
    throw new Error(
      `${program} could not keep other users out of it${error === undefined ? '' : `: ${error.message}`}`,
    )
}

/** Milliseconds between tries to replace a file: for so long a virus scanner or an indexer looks at a new one. */
const pauses = [5, 10, 20, 40, 80, 160, 320]

/** What {@link replaceFile} does to the world. */
const realRename = {
  rename: renameSync,
  pause: (milliseconds: number) =>
    void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
}

/**
 * Renames over a file. On Windows that is refused while another process has one of the two open without sharing it
 * (MoveFileEx), so there it is tried again for a moment.
 * @throws what node throws
 */
export function replaceFile(
  from: string,
  to: string,
  system: Pick<System, 'platform'>,
  { rename, pause }: typeof realRename = realRename,
): void {
  for (const wait of isWindows(system) ? pauses : []) {
    try {
      rename(from, to)
      return
    } catch (error) {
      if (!isInUse(error)) throw error
    }
    pause(wait)
  }
  rename(from, to)
}

const isInUse = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EPERM', 'EACCES', 'EBUSY'].includes(String(error.code))
