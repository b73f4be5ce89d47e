import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examples } from './documents.ts'
import { programsOf, runExample } from './job.ts'
import { readers } from './steps.ts'
import { isRun, table } from './table.ts'

test('every example is run, or the table says why not; and nothing else is in the table', () => {
  expect(Object.keys(table).toSorted()).toEqual(examples.map(({ name }) => name).toSorted())
})

describe('run as it is written:', () => {
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

/** What one example does not show: a file that is sourced, the use of a variable, the shell that a quoted script is for. */
const elsewhere = '--exclude=SC1091,SC2016,SC2034'

test.each(scripts)(
  'shellcheck has nothing to say to $name',
  { tags: ['shellcheck'] },
  ({ script, shell }) => {
    const { stdout, status } = spawnSync('shellcheck', [elsewhere, `--shell=${shell}`, '-'], {
      // GitHub puts a value there before a shell sees it.
      input: script.replace(/\$\{\{.*?\}\}/g, 'value'),
      encoding: 'utf8',
    })
    expect([stdout, status]).toEqual(['', 0])
  },
)
