/** A workspace (`acme`) or a repository (`acme/website`, without `.git`) from the input `git-path`. */
export type GitPath = string

/**
 * Reads one item of the input `git-path`.
 * @returns undefined if it is neither a workspace nor a repository
 */
export function parseGitPath(item: string): GitPath | undefined {
  // Accepts slugs and UUIDs in braces, with the same characters as the input `repository`.
  const [, workspace, repository] =
    /^(?!\.{1,2}(?:\/|$))([\w.{}-]+)(?:\/(?!\.{1,2}\/?$)([\w.{}-]+))?\/?$/.exec(item) ?? []
  const slug = repository?.replace(/\.git$/i, '')
  if (slug === undefined) return workspace
  return slug === '' ? undefined : `${workspace}/${slug}`
}

/**
 * Returns the paths by which URLs name a workspace or repository. git compares whole path segments and is
 * case-sensitive (git: urlmatch.c). Bitbucket accepts a repository with and without `.git`, and writes its own
 * addresses in lower case.
 */
export function spellingsOf(path: GitPath): string[] {
  const spellings = [...new Set([path, path.toLowerCase()])]
  return path.includes('/') ? spellings.flatMap((spelling) => [spelling, `${spelling}.git`]) : spellings
}

/**
 * Whether the path of a git URL belongs to one of these workspaces and repositories.
 * @param paths empty for all of Bitbucket
 * @param asked the path that git sends to a helper, such as `acme/website.git/info/lfs`
 */
export function coversPath(paths: readonly GitPath[], asked: string): boolean {
  const [workspace = '', repository = ''] = asked.replace(/^\/+/, '').toLowerCase().split('/')
  const names = [workspace, `${workspace}/${repository.replace(/\.git$/, '')}`]
  return paths.length === 0 || paths.some((path) => names.includes(path.toLowerCase()))
}
