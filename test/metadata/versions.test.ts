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
