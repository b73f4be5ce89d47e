import { execFileSync, spawnSync } from 'node:child_process'

/** Returns an environment in which git ignores this machine's configuration and never prompts. */
export function gitEnvironment(): Record<string, string> {
  const { PATH = '' } = process.env
  return {
    PATH,
    HOME: '/nonexistent',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  }
}

/** Runs the real git and returns its output. Throws if git fails. */
export function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd, env: gitEnvironment(), encoding: 'utf8', stdio: 'pipe' })
}

/** Returns the configuration that git reads with these variables. Included files count, the includes themselves do not. */
export function configurationIn(env: Readonly<Record<string, string>>): [key: string, value: string][] {
  const { stdout, stderr } = spawnSync('git', ['config', '--list', '-z'], {
    cwd: '/',
    env: { ...gitEnvironment(), ...env },
    encoding: 'utf8',
  })
  if (stderr !== '') throw new Error(stderr)
  return stdout
    .split('\0')
    .filter(Boolean)
    .map((entry): [string, string] => [entry.split('\n', 1)[0] ?? '', entry.slice(entry.indexOf('\n') + 1)])
    .filter(([key]) => key !== 'include.path')
}
