import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { oldestNode, refuseOldNode } from '../src/old-node.ts'

/** Runs the check in a Node of this version, with these arguments and variables. */
function told(node: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const said = { stdout: '', stderr: '' }
  const writer = (stream: keyof typeof said) =>
    ({
      write: (text: string) => {
        said[stream] += text
        return true
      },
    }) as unknown as NodeJS.WriteStream & { fd: 1 & 2 }
  const process = {
    versions: { node } as NodeJS.ProcessVersions,
    argv: ['node', 'index.js', ...args],
    env,
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    exitCode: undefined as number | undefined,
  }
  const isRefused = refuseOldNode(process)
  return { isRefused, status: process.exitCode, ...said }
}

const sentence = 'bitbucket-token needs Node.js 20 or later, but this is Node.js 18.20.8.\n'

test('package.json requires the same version of Node', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(engines.node).toBe(`>=${oldestNode}`)
})

test.each(['20.0.0', '24.21.0', '100.0.0'])('Node %s is new enough', (version) => {
  expect(told(version)).toEqual({ isRefused: false, status: undefined, stdout: '', stderr: '' })
})

describe('an older Node exits 1 with one sentence', () => {
  test('on stderr', () => {
    expect(told('18.20.8')).toEqual({ isRefused: true, status: 1, stdout: '', stderr: `error: ${sentence}` })
  })

  test.each(['GITHUB_ACTIONS', 'GITEA_ACTIONS'])('as an annotation if %s is set', (variable) => {
    const annotation = `::error title=bitbucket-token::${sentence}`
    expect(told('18.20.8', [], { [variable]: 'true' })).toMatchObject({ stdout: annotation, stderr: '' })
    // With print, stdout is data.
    expect(told('18.20.8', ['print'], { [variable]: 'true' })).toMatchObject({
      stdout: '',
      stderr: annotation,
    })
  })

  test('and makes a shell fail that evaluates stdout', () => {
    expect(told('18.20.8', ['print', '--format', 'sh']).stdout).toBe('(exit 1)\n')
  })
})

test('the first file of dist uses only the syntax of an old Node', { tags: ['process'] }, () => {
  const first = readFileSync(new URL('../dist/index.js', import.meta.url), 'utf8')
  // Node 14 and later: `?.`, `??`; 15: `??=`; 12 has no `#private` method; a top-level `await` needs 14.8.
  expect(first).not.toMatch(/\?\?|\?\.(?!\d)|\bawait\b|[.{;]#\w/)
  expect(first).toContain('needs Node.js')
})
