import { expect, test } from 'vitest'
import { readText } from './files.ts'

// Dependabot updates the npm package, but it does not read the images' versions, which are build arguments.
test('the images have the same Node as the tests', () => {
  const { devDependencies } = JSON.parse(readText('package.json')) as {
    devDependencies: Record<string, string>
  }
  const named = ['Dockerfile', '.ci/image/node.Dockerfile', 'bitbucket-pipelines.yml'].flatMap((name) =>
    [...readText(name).matchAll(/\bnode:(\d+\.\d+\.\d+)/g)].map(([, version]) => `${name} ${version}`),
  )
  const node = devDependencies['node']
  expect(named).toEqual([
    `Dockerfile ${node}`,
    `.ci/image/node.Dockerfile ${node}`,
    `bitbucket-pipelines.yml ${node}`,
  ])
})

test('the images have the same Alpine', () => {
  const basesIn = (name: string) =>
    [...readText(name).matchAll(/^ARG BASE_IMAGE=(.*)$/gm)].map(([, base]) => base)
  expect(basesIn('.ci/image/git.Dockerfile')).toEqual(basesIn('Dockerfile'))
  const [release] = /\d+\.\d+/.exec(basesIn('Dockerfile')[0] ?? '') ?? []
  expect(readText('Dockerfile')).toContain(`-alpine${release}`)
  const nodesIn = (name: string) => /^ARG NODE_IMAGE=(.*)$/m.exec(readText(name))?.[1]
  expect(nodesIn('.ci/image/node.Dockerfile')).toBe(nodesIn('Dockerfile'))
})

test('a release is built with the BuildKit that is tested', () => {
  const [, tested] = /^buildkit=(\S+)/m.exec(readText('.ci/buildkit')) ?? []
  expect(readText('.github/workflows/build-release.yml')).toContain(`image=moby/buildkit:${tested}\n`)
})
