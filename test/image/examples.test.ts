import { describe, expect, test } from 'vitest'
import { examples } from '../examples/documents.ts'
import { runExample } from '../examples/job.ts'
import { readers, type Step } from '../examples/steps.ts'
import { isRun, table } from '../examples/table.ts'
import { image } from './support/container.ts'

/** The examples that start a container: with `docker run`, or as a step that the CI runs in one. */
const containers = examples.flatMap((example) => {
  const run = table[example.name]
  if (run === undefined || !isRun(run) || run.fails !== undefined) return []
  const isStep = ['pipelines', 'codefresh', 'drone', 'woodpecker', 'harness'].includes(run.as)
  const steps: readonly Step[] = readers[run.as](example.text)
  const hasImage = steps.some((step) => step.image !== undefined)
  return isStep || hasImage || example.text.includes('docker run')
    ? [{ name: example.name, example, run }]
    : []
})

describe.skipIf(image === '')('runs as written in an engine:', { tags: ['docker', 'openssl'] }, () => {
  test.each(containers)('$name', async ({ example, run }) => {
    const { status, output } = await runExample(example.text, run, image)
    expect([status, output]).toEqual([0, expect.anything()])
  })
})
