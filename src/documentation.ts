/** The repository in package.json. */
const repository = 'https://github.com/bitbucket-token/bitbucket-token'

/**
 * Returns the full address of a page of the documentation, because many readers of a message have only the log.
 * @param page its path below `docs/`, such as `git.md#refused-tokens`
 */
export const documentUrl = (page: string): string => `${repository}/blob/main/docs/${page}`
