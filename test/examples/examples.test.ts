import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examples } from './documents.ts'
import { programsOf, runExample } from './job.ts'
import { readers } from './steps.ts'
import { isRun, table } from './table.ts'

test('the table has every example, and nothing else', () => {
  expect(Object.keys(table).toSorted()).toEqual(examples.map(({ name }) => name).toSorted())
})

describe('runs as written:', () => {
  const runs = examples.flatMap((example) => {
    const treatment = table[example.name]
    return treatment !== undefined && isRun(treatment)
      ? [{ name: example.name, example, run: treatment }]
      : []
  })

  for (const { name, example, run } of runs) {
    test(name, { tags: programsOf(example.text, run) }, async () => {
      const { status, output, directory } = await runExample(example.text, run)
      if (run.fails !== undefined) {
        expect([status === 0, output]).toEqual([false, expect.stringContaining(run.fails)])
        return
      }
      expect([status, output]).toEqual([0, expect.anything()])
      if (example.text.includes('git clone'))
        expect(existsSync(join(directory, clonedTo(example.text)))).toBe(true)
    })
  }

  const clonedTo = (text: string) => (text.includes('/hello.git') ? 'hello/README.md' : 'website/README.md')
})

const scripts = examples.flatMap(({ name, text }) => {
  const reader = table[name]?.as
  const steps = reader === undefined ? [] : readers[reader](text)
  return steps.flatMap(({ script, shell: [shell] }) =>
    script !== undefined && /^(ba|)sh$/.test(shell) ? [{ name, script, shell }] : [],
  )
})

/** Warnings about what one example cannot show: a sourced file, the use of a variable, the shell of a quoted script. */
const elsewhere = '--exclude=SC1091,SC2016,SC2034'

test.each(scripts)('shellcheck accepts $name', { tags: ['shellcheck'] }, ({ script, shell }) => {
  const { stdout, status } = spawnSync('shellcheck', [elsewhere, `--shell=${shell}`, '-'], {
    // GitHub replaces an expression by its value before the shell runs.
    input: script.replace(/\$\{\{.*?\}\}/g, 'value'),
    encoding: 'utf8',
  })
  expect([stdout, status]).toEqual(['', 0])
})
