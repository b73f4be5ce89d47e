/** After this many refusals the helper no longer returns the token. */
export const refusalLimit = 3

/** The prefix of the directory in which a run counts refusals. The run and the user's id follow. */
export const refusedPrefix = 'bitbucket-token-refused-'
