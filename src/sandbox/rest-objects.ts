import { actsAsUser, repository, sandboxUser, type Token } from './accounts.ts'

// The fields follow Bitbucket's API description. The ids are made up and never change, so that tests can rely on them.

const workspace = {
  type: 'workspace',
  slug: repository.workspace,
  name: 'Sandbox',
  uuid: '{5a0d8a10-0000-4000-8000-000000000001}',
}

/** Returns what `/2.0/user` answers for the token. */
export function userObject(token: Token, webUrl: string): object {
  if (actsAsUser(token)) {
    return {
      type: 'user',
      display_name: 'Sandbox User',
      nickname: sandboxUser.username,
      username: sandboxUser.username,
      account_id: '557058:5a0d8a10-0000-4000-8000-000000000002',
      account_status: 'active',
      uuid: '{5a0d8a10-0000-4000-8000-000000000002}',
      created_on: '2026-01-01T00:00:00.000000+00:00',
      links: { html: { href: `${webUrl}/${sandboxUser.username}/` } },
    }
  }
  return {
    type: 'app_user',
    display_name: 'Sandbox App',
    account_id: '712020:5a0d8a10-0000-4000-8000-000000000003',
    account_status: 'active',
    kind: 'app',
    uuid: '{5a0d8a10-0000-4000-8000-000000000003}',
    created_on: '2026-01-01T00:00:00.000000+00:00',
  }
}

export function repositoryObject(token: Token, webUrl: string): object {
  const html = `${webUrl}/${repository.fullName}`
  // Bitbucket puts the caller's user name into the clone URL, which breaks credential helpers that store another name.
  const clone = new URL(`${html}.git`)
  if (actsAsUser(token)) clone.username = sandboxUser.username
  return {
    type: 'repository',
    full_name: repository.fullName,
    name: repository.slug,
    slug: repository.slug,
    uuid: repository.uuid,
    is_private: true,
    scm: 'git',
    mainbranch: { type: 'branch', name: 'main' },
    workspace,
    links: {
      html: { href: html },
      clone: [
        { name: 'https', href: clone.href },
        { name: 'ssh', href: `git@bitbucket.org:${repository.fullName}.git` },
      ],
    },
  }
}
