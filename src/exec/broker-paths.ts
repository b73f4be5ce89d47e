/** The paths of the broker of `exec`. */
export const brokerPaths = {
  token: '/token',
  git: (operation: string) => `/git-credential/${operation}`,
} as const
