import { describe, expect, test } from 'vitest'
import { detectHost, type HostName, hostNames, openHost } from '../../src/hosts/index.ts'
import { fakeWorld } from '../support/fake-world.ts'

/** The variables of a job, from each CI's list of variables, without secrets and paths. */
const environments: Readonly<Record<HostName, Readonly<Record<string, string>>>> = {
  // forgejo.org/docs, "Actions variables"
  forgejo: {
    CI: 'true',
    FORGEJO_ACTIONS: 'true',
    GITEA_ACTIONS: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_SERVER_URL: 'https://codeberg.org',
  },
  // docs.gitea.com, "Gitea Actions variables"
  gitea: {
    CI: 'true',
    GITEA_ACTIONS: 'true',
    GITEA_ACTIONS_RUNNER_VERSION: 'v0.2.11',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: '/workspace/acme/website',
  },
  // docs.github.com, "Default environment variables"
  github: { CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '1658821493', RUNNER_OS: 'Linux' },
  // support.atlassian.com, "Variables and secrets"
  pipelines: {
    CI: 'true',
    BITBUCKET_BUILD_NUMBER: '7',
    BITBUCKET_PIPELINE_UUID: '{2b9fe5a1}',
    BITBUCKET_CLONE_DIR: '/opt/atlassian/pipelines/agent/build',
  },
  // learn.microsoft.com, "Use predefined variables"
  azure: { TF_BUILD: 'True', BUILD_BUILDID: '1530', AGENT_TEMPDIRECTORY: '/home/vsts/work/_temp' },
  // docs.gitlab.com, "Predefined CI/CD variables reference"
  gitlab: { CI: 'true', GITLAB_CI: 'true', CI_SERVER: 'yes', CI_JOB_ID: '50', CI_BUILDS_DIR: '/builds' },
  // circleci.com/docs, "Project values and variables"
  circleci: { CI: 'true', CIRCLECI: 'true', CIRCLE_BUILD_NUM: '7', BASH_ENV: '/tmp/.bash_env-5f-0-build' },
  // buildkite.com/docs, "Environment variables"
  buildkite: { CI: 'true', BUILDKITE: 'true', BUILDKITE_JOB_ID: 'e44f9784', BUILDKITE_BUILD_NUMBER: '1514' },
  // codefresh.io/docs, "Variables in pipelines"
  codefresh: { CI: 'true', CF_BUILD_ID: '5f2b', CF_VOLUME_PATH: '/codefresh/volume' },
  // jetbrains.com/help/teamcity, "Predefined Build Parameters"
  teamcity: {
    TEAMCITY_VERSION: '2025.11 (build 208117)',
    BUILD_NUMBER: '7',
    TEAMCITY_PROJECT_NAME: 'Website',
  },
  // developer.harness.io, "CI environment variables reference"
  harness: {
    CI: 'true',
    DRONE: 'true',
    DRONE_BUILD_NUMBER: '7',
    HARNESS_BUILD_ID: '7',
    HARNESS_STAGE_ID: 'build',
  },
  // woodpecker-ci.org, "Built-in environment variables"; plugins also get some of Drone's
  woodpecker: { CI: 'woodpecker', CI_SYSTEM_NAME: 'woodpecker', DRONE_BUILD_NUMBER: '7', DRONE: 'true' },
  // docs.drone.io, "Environment: Reference"
  drone: { CI: 'true', DRONE: 'true', DRONE_BUILD_NUMBER: '7', DRONE_WORKSPACE: '/drone/src' },
  // jenkins.io/doc, "Using environment variables"
  jenkins: {
    JENKINS_URL: 'https://ci.example.com/',
    BUILD_ID: '7',
    BUILD_TAG: 'jenkins-website-7',
    WORKSPACE: '/w',
  },
  shell: { HOME: '/home/ada', PATH: '/usr/bin', USER: 'ada' },
}

test.each(hostNames)('detects %s by its variables, and says why secrets may be empty there', async (name) => {
  expect(detectHost(environments[name])).toBe(name)
  const { emptySecretHint } = await openHost(name, fakeWorld(), { outputDir: undefined, debug: false })
  expect(emptySecretHint).toMatch(/^(In|On) .*\.$/)
})

describe('is not misled by', () => {
  test.each<[string, HostName, Record<string, string>]>([
    ['a job of Gitea without the version', 'gitea', { GITHUB_ACTIONS: 'true', GITEA_ACTIONS: 'true' }],
    ['Forgejo without the name of Gitea', 'forgejo', { GITHUB_ACTIONS: 'true', FORGEJO_ACTIONS: 'true' }],
    ['a build of Pipelines without a number', 'pipelines', { BITBUCKET_PIPELINE_UUID: '{1}' }],
    ['a build of Pipelines without an ID', 'pipelines', { BITBUCKET_BUILD_NUMBER: '7' }],
    ['a number of Pipelines on GitHub', 'github', { GITHUB_ACTIONS: 'true', BITBUCKET_BUILD_NUMBER: '7' }],
    ["a user's own variables", 'shell', { BITBUCKET_CLIENT_ID: 'key', BITBUCKET_WORKSPACE: 'acme' }],
    ['an unknown CI', 'shell', { CI: 'true' }],
    ['empty variables', 'shell', { GITHUB_ACTIONS: '', TF_BUILD: '', CI: '' }],
    ['a build number without Jenkins', 'shell', { BUILD_ID: '7', BUILD_NUMBER: '7' }],
    ["a Jenkins tool's configuration", 'shell', { JENKINS_URL: 'https://ci.example.com/' }],
    ['an Azure agent on a machine of Jenkins', 'azure', { ...environments.jenkins, ...environments.azure }],
  ])('%s: %s', (_, name, env) => {
    expect(detectHost(env)).toBe(name)
  })
})
