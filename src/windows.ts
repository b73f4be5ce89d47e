import { renameSync } from 'node:fs'
import { win32 } from 'node:path'
import { systemCode } from './errors.ts'
import { block, type World } from './world.ts'

/** The parts of the world that decide how to work on Windows. */
export type System = Pick<World, 'platform' | 'env'>

export const isWindows = ({ platform }: Pick<System, 'platform'>): boolean => platform === 'win32'

/**
 * Returns the full path of a program that is part of Windows. Windows would search for a bare name in the current directory
 * first (CreateProcess: "Searching for the file"), which in a job is a clone with untrusted files.
 */
export function systemProgram(name: string, env: System['env']): string {
  // MSYS writes `SYSTEMROOT`. A copy of the environment is case-sensitive, unlike the original.
  const root = Object.entries(env).find(([variable]) => variable.toUpperCase() === 'SYSTEMROOT')?.[1]
  return win32.join(root || 'C:\\Windows', 'System32', name)
}

/**
 * Sets a variable so that Windows finds programs only on the PATH. Without it, node searches for a bare name such as `git`
 * in the working directory first, which is often a clone with untrusted files. Node obeys the variable since 20.12 (libuv
 * pull 4238), and so do the programs that inherit it.
 */
export function lookForProgramsOnPathOnly({ platform, env }: Pick<NodeJS.Process, 'platform' | 'env'>): void {
  if (isWindows({ platform })) env['NoDefaultCurrentDirectoryInExePath'] = '1'
}

/**
 * Gives only the owner access to a directory and to everything that is made in it. On Windows a mode has no effect, and a
 * directory inherits the rights of its parent. S-1-3-4 is "Owner Rights". Unlike a user name, it is the same in every
 * language and also works for a service account.
 * @throws {Error} if it fails, because nobody would notice otherwise that the directory is not private
 */
export function keepOthersOut(directory: string, { env }: Pick<System, 'env'>): void {
  // Loaded only here, because loading node:child_process takes as long as the rest of the start-up.
  const processes = process.getBuiltinModule?.('node:child_process')
  if (processes === undefined) throw new Error('on Windows this needs Node 20.16 or later')
  const program = systemProgram('icacls.exe', env)
  const rights = ['/inheritance:r', '/grant:r', '*S-1-3-4:(OI)(CI)F', '/q']
  const { status, error } = processes.spawnSync(program, [directory, ...rights], {
    // Not the whole environment, because it contains the inputs. libuv adds what every program on Windows needs
    // (`required_vars`, win/process.c).
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

/** Milliseconds between retries to replace a file. A virus scanner or an indexer may keep a new file open that long. */
const pauses = [5, 10, 20, 40, 80, 160, 320]

/** The side effects of {@link replaceFile}. Tests replace them. */
const realRename = {
  rename: renameSync,
  pause: block,
}

/**
 * Renames a file over another one. On Windows this fails while another process has one of the two files open without
 * sharing it (MoveFileEx), so it retries for a moment.
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

const isInUse = (error: unknown): boolean => ['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(error) ?? '')
