/** Returns the environment for the sandbox's own git, without any git configuration or repository of the caller. */
export function gitEnvironment(home: string): Record<string, string> {
  const { PATH = '', SYSTEMROOT } = process.env
  return {
    PATH,
    // git on Windows does not start without it.
    ...(SYSTEMROOT !== undefined && { SYSTEMROOT }),
    // For git before 2.32, which does not know GIT_CONFIG_GLOBAL.
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  }
}
