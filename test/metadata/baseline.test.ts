import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documents } from '../examples/documents.ts'
import { git } from '../support/git.ts'
import { isMap, parseYaml, readText, root, workflows, type YamlMap } from './files.ts'

const rows = [
  ...readText('docs/baseline.md').matchAll(/^\| (OSPS-\S+) \| ([123]) \| (\w+) \| (.*) \|$/gm),
].map(([, control = '', , met = '', evidence = '']) => ({ control, met, evidence }))

describe('docs/baseline.md', () => {
  // test/examples/links.test.ts checks that the files and headings exist.
  test('has each control once, with evidence unless it is not met', () => {
    expect(rows).toHaveLength(64)
    expect(new Set(rows.map(({ control }) => control)).size).toBe(rows.length)
    for (const { control, met, evidence } of rows) {
      expect(['yes', 'owner', 'no'], control).toContain(met)
      if (met !== 'no' && evidence !== 'as above') expect(evidence, control).toMatch(/\]\(\S+\)|test\//)
    }
  })

  test('names only jobs and steps of workflows that exist', () => {
    const named = rows.flatMap(({ evidence }) => [
      ...evidence.matchAll(/\[(\S+\.yml) › ([^\]]+)\]\((\S+)\)/g),
    ])
    expect(named.length).toBeGreaterThan(8)
    for (const [, file = '', name = '', link] of named) {
      expect(link).toBe(`../.github/workflows/${file}`)
      const text = workflows.find((workflow) => workflow.name.endsWith(`/${file}`))?.text ?? ''
      expect(namesIn(parseYaml(text)), `${file} › ${name}`).toContain(name)
    }
  })
})

test('documents link only to https', () => {
  const links = [...documents.values()].flatMap((document) => document.links)
  expect(links.filter((link) => link.startsWith('http:'))).toEqual([])
})

test('no file is binary', { tags: ['git'] }, () => {
  const names = git(root, '-c', `safe.directory=${root}`, 'ls-files', '-z').split('\0').filter(Boolean)
  const binary = names.filter((name) => readIfThere(join(root, name)).includes(0))
  expect(binary).toEqual([])
})

describe('openvex.json', () => {
  const vex = JSON.parse(readText('openvex.json')) as {
    '@context': string
    timestamp: string
    statements: {
      vulnerability: { name: string }
      products: Component[]
      status: string
      justification: string
    }[]
  }
  interface Component {
    '@id': string
    subcomponents?: Component[]
  }

  // github.com/openvex/spec, OPENVEX-SPEC.md v0.2.0
  test('has the form of OpenVEX 0.2.0', () => {
    expect(vex).toMatchObject({
      '@context': 'https://openvex.dev/ns/v0.2.0',
      '@id': expect.any(String),
      version: 1,
    })
    expect(new Date(vex.timestamp).toJSON()).toBe(vex.timestamp.replace('Z', '.000Z'))
    for (const { vulnerability, status, justification } of vex.statements) {
      expect(vulnerability.name).toMatch(/^CVE-\d{4}-\d+$/)
      expect([status, justification]).toEqual(['not_affected', 'component_not_present'])
    }
  })

  test('names only components that are really not in dist', () => {
    const components = vex.statements.flatMap(({ products }) =>
      products.flatMap((product) => product.subcomponents ?? []),
    )
    expect(components.length).toBeGreaterThan(0)
    for (const { '@id': purl } of components) {
      const name = purl.replace('pkg:npm/', '')
      expect(readText('dist/licenses.txt')).not.toMatch(new RegExp(`^${name} `, 'm'))
      const { overrides } = JSON.parse(readText('package.json')) as { overrides: Record<string, string> }
      expect(overrides).toHaveProperty(name)
    }
  })
})

/** Returns the names of jobs and steps, and the actions that steps use, such as `init`. */
function namesIn(workflow: unknown): string[] {
  const { jobs } = workflow as { jobs: Readonly<Record<string, YamlMap>> }
  return Object.values(jobs).flatMap((job) => [
    String(job['name']),
    ...((job['steps'] ?? []) as unknown[])
      .filter(isMap)
      .flatMap(({ name, uses }) => [
        ...(name === undefined ? [] : [String(name)]),
        ...(uses === undefined ? [] : [/([\w-]+)@/.exec(String(uses))?.[1] ?? '']),
      ]),
  ])
}

/** Returns nothing if the file was removed, but the removal is not committed. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}
