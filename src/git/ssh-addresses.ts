/**
 * Returns every way in which git writes the beginning of an SSH address of this host (git: connect.c, "URLs" in
 * git-fetch; `git+ssh` is what npm and pip write, and git takes it). Bitbucket also listens on port 443, under a name of its own
 * (support.atlassian.com: "Use SSH to access Bitbucket through a proxy").
 * @param hostname such as `bitbucket.org`
 * @returns texts that end before the path, such as `git@bitbucket.org:`
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
      // With a slash too, so that no address gets two of them.
      return [`${before}:`, `${before}:/`]
    }),
  )
  return [...short, ...urls]
}
