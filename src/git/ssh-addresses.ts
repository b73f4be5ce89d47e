/**
 * Returns every prefix of an SSH address of this host that git accepts (git: connect.c, "URLs" in git-fetch). npm and
 * pip write `git+ssh`, which git also accepts. Bitbucket also listens on port 443 of another host, `altssh`
 * (support.atlassian.com: "Use SSH to access Bitbucket through a proxy").
 * @param hostname such as `bitbucket.org`
 * @returns prefixes that end before the path, such as `git@bitbucket.org:`
 */
export function sshPrefixes(hostname: string): string[] {
  const places = [hostname, `${hostname}:22`, `altssh.${hostname}`, `altssh.${hostname}:443`]
  const users = ['git@', '']
  const urls = ['ssh', 'git+ssh', 'ssh+git'].flatMap((scheme) =>
    users.flatMap((user) => places.map((place) => `${scheme}://${user}${place}/`)),
  )
  const short = users.flatMap((user) =>
    places.flatMap((place) => {
      const before = place.includes(':') ? `[${user}${place}]` : `${user}${place}`
      // Also with a slash, so that no rewritten address gets two slashes.
      return [`${before}:`, `${before}:/`]
    }),
  )
  return [...short, ...urls]
}
