import { type Fault, type Group, groups, type Outcome } from '../test/faults/table.ts'

/** Returns the text of test/faults/README.md with the present table of faults. */
export function withFaults(text: string): string {
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0)
  return text.replace(
    /(<!-- faults -->\n)[\s\S]*(<!-- \/faults -->)/,
    (_, before: string, after: string) =>
      `${before}\n${groups.map(section).join('\n')}\n${total} faults.\n\n${after}`,
  )
}

/** Puts faults with the same outcomes on one line, so that a person can read hundreds of them. */
function section({ title, rows }: Group): string {
  const alike = groupBy(rows, ({ outcomes: { token, account, repository } }) =>
    [token, account, repository].join(' | '),
  )
  const order: readonly Outcome[] = ['done', 'retried', 'refused', 'unreadable', 'denied', 'unusable']
  const place = (outcomes: string) => order.indexOf(outcomes.split(' ')[0] as Outcome)
  const lines = [...alike]
    .sort(([a], [b]) => place(a) - place(b))
    .map(([outcomes, faults]) => `| ${listed(faults)} | ${outcomes} |`)
  const head = `| ${rows.length} faults | token endpoint | account | repository |\n| --- | --- | --- | --- |`
  return `### ${title}\n\n${head}\n${lines.join('\n')}\n`
}

/** Groups names such as `500 with JSON` and `500 with HTML` by status. */
function listed(faults: readonly Fault[]): string {
  const split = faults.flatMap(({ name }) => {
    const [, status, tail] = /^(\d{3}) ((?:with|to) .*)$/.exec(name) ?? []
    return status === undefined || tail === undefined ? [] : [{ status, tail }]
  })
  if (split.length < faults.length) return cell(faults.map(({ name }) => name).join('; '))
  const byStatus = groupBy(split, ({ status }) => status)
  const byTails = groupBy([...byStatus], ([, parts]) => parts.map(({ tail }) => tail).join('; '))
  return cell(
    [...byTails]
      .map(([tails, all]) => `${ranges(all.map(([status]) => Number(status)))} ${tails}`)
      .join('<br>'),
  )
}

function cell(words: string): string {
  return words.replaceAll('|', '\\|')
}

/** Writes numbers as ranges: `400, 402–404`. */
function ranges(numbers: readonly number[]): string {
  const runs: number[][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run?.at(-1) === number - 1) run.push(number)
    else runs.push([number])
  }
  return runs.map((run) => (run.length > 2 ? `${run[0]}–${run.at(-1)}` : run.join(', '))).join(', ')
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
