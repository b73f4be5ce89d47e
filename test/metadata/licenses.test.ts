import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { licensesOf } from '../../scripts/licenses.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { mapsWith, readText, readYaml, root, type YamlMap } from './files.ts'

const text = readText('dist/licenses.txt')
const listed = [...text.matchAll(/^(\S+ \d+\.\d+\.\d+)\n/gm)].map(([, line]) => line ?? '')

describe('dist/licenses.txt', () => {
  // Another bundler than the one of dist lists the packages.
  test('names exactly the packages that are bundled', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['src/index.ts'],
      outdir: 'never-written',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      // @actions/core imports it for functions that nothing here calls, so the build leaves it out.
      external: ['@actions/exec'],
      write: false,
      metafile: true,
    })
    const used = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
    const names = used.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
    const withVersions = [...new Set(names)].map(
      (name) => `${name} ${JSON.parse(readText(`node_modules/${name}/package.json`)).version}`,
    )
    expect(withVersions.length).toBeGreaterThan(2)
    // Packages with the same license are together.
    expect(listed.toSorted()).toEqual(withVersions.sort())
  })

  test('has the copyright of each package, and the terms once', () => {
    for (const line of text.matchAll(/^\S+ \d+\.\d+\.\d+\n(.*)/gm))
      expect(line[1]).toMatch(/^Copyright (?:\(c\)|\d{4}) /)
    expect(text.match(/Permission is hereby granted/g)).toHaveLength(1)
    expect(text).toContain('WITHOUT WARRANTY OF ANY KIND')
    expect(text.length).toBeLessThan(4_000)
  })
})

test('docs/decisions.md mentions each direct dependency that is bundled', () => {
  const { devDependencies } = JSON.parse(readText('package.json')) as {
    devDependencies: Record<string, string>
  }
  const chosen = listed.map((line) => line.split(' ')[0] ?? '').filter((name) => name in devDependencies)
  expect(chosen.length).toBeGreaterThan(2)
  const decisions = readText('docs/decisions.md')
  for (const name of chosen) expect(decisions).toContain(name)
})

test('dependency review allows exactly the licences of installed packages', () => {
  const [project, mutation] = ['package-lock.json', 'test/mutation/package-lock.json'].map((name) => {
    const { packages } = JSON.parse(readText(name)) as { packages: Record<string, { license?: string }> }
    return packages
  })
  const packages = { ...mutation, ...project }
  const [step] = mapsWith('with', readYaml('.github/workflows/dependency-review.yml')).filter(({ uses }) =>
    String(uses).startsWith('actions/dependency-review-action@'),
  )
  const listIn = (name: string) => String(((step?.['with'] ?? {}) as YamlMap)[name]).split(/,\s*/)
  const exempt = listIn('allow-dependencies-licenses').map((name) =>
    name.replace('pkg:npm/', 'node_modules/'),
  )
  const found = Object.entries(packages)
    .filter(([path]) => !exempt.includes(path))
    .flatMap(([, { license }]) => license?.split(' OR ')[0] ?? [])
  expect(listIn('allow-licenses').sort()).toEqual([...new Set(found)].sort())
  for (const path of exempt) expect(packages).toHaveProperty([path])
})

describe('the licences of packages', () => {
  function packageWith(name: string, license: string | undefined) {
    const directory = join(temporaryDirectory(), 'node_modules', name)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, version: '1.0.0' }))
    if (license !== undefined) writeFileSync(join(directory, 'LICENSE.md'), license)
    return join(directory, 'lib/index.js')
  }
  const terms = (words: string) => `Permission is granted to everybody, ${words}.`

  test('are all included if they differ', () => {
    const files = [
      packageWith('@a/one', `Title\n\nCopyright A\n\n${terms('without limit')}\n`),
      packageWith('two', `Copyright B\nCopyright C\n\n${terms('but for\nevil')}\n`),
      '/ours/index.js',
    ]
    expect(licensesOf(files)).toBe(
      `Packages that are bundled with bitbucket-token, and their licenses.

@a/one 1.0.0
Copyright A

Permission is granted to everybody, without limit.

---

two 1.0.0
Copyright B
Copyright C

Permission is granted to everybody, but for
evil.
`,
    )
  })

  test('are required', () => {
    expect(() => licensesOf([packageWith('bare', undefined)])).toThrow(
      'bare is bundled, but it contains no license',
    )
  })
})
