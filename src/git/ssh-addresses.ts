/**
 * Returns the prefixes of an SSH address of this host that git accepts (git: connect.c, "URLs" in git-fetch). npm and pip write
 * `git+ssh`, which git also accepts. Bitbucket also listens on port 443 of another host, `altssh` (support.atlassian.com:
 * "Use SSH to access Bitbucket through a proxy").
 * @param hostname such as `bitbucket.org`
 * @returns prefixes that end before the path, such as `git@bitbucket.org:`
 */
export function sshPrefixes(hostname: string): string[] {
  const alternative = `altssh.${hostname}`
  const prefixes = ['git@', ''].flatMap((user) => {
    const short = [
      ...[`${user}${hostname}`, `${user}[${hostname}]`, `[${user}${hostname}]`, `[${user}${hostname}:22]`],
      ...[`${user}${alternative}`, `[${user}${alternative}:443]`],
    ]
    const places = [hostname, `[${hostname}]`, `${hostname}:`, `${hostname}:22`]
    const urls = ['ssh', 'git+ssh', 'ssh+git'].flatMap((scheme) =>
      [...places, alternative, `${alternative}:443`].map((place) => `${scheme}://${user}${place}/`),
    )
    // Also with a slash, so that no rewritten address gets two slashes.
    return [...short.flatMap((place) => [`${place}:`, `${place}:/`]), ...urls]
  })
  return [...new Set(prefixes)]
}
