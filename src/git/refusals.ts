/** How often a token may be refused before the helper stops giving it out. */
export const refusalLimit = 3

/** The beginning of the name of the directory in which a run counts refusals; the run and the user's id follow. */
export const refusedPrefix = 'bitbucket-token-refused-'
