/**
 * Carries the table of faults to docs/reliability.md.
 *
 *   node scripts/reliability.ts            writes it where it is stale
 *   node scripts/reliability.ts --check    names it, and exits with 1
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { casesOf, type Fault, type Group, groups, type Outcome } from '../test/faults/table.ts'

const path = join(import.meta.dirname, '../docs/reliability.md')
const text = readFileSync(path, 'utf8')
const generated = text.replace(
  /(<!-- faults -->\n)[\s\S]*(<!-- \/faults -->)/,
  (_, before: string, after: string) =>
    `${before}\n${groups.map(section).join('\n')}\n${total()}\n\n${after}`,
)
if (generated !== text) {
  if (process.argv.includes('--check')) {
    console.error('docs/reliability.md is stale: npm run generate')
    process.exitCode = 1
  } else writeFileSync(path, generated)
}

/** Rows that end alike are one line, so that a person can read hundreds of them. */
function section({ title, rows }: Group): string {
  const alike = groupBy(rows, ({ token, rest }) => `${token} | ${rest}`)
  const order: readonly Outcome[] = ['done', 'retried', 'refused', 'unusable']
  const lines = [...alike]
    .sort(([a], [b]) => order.indexOf(a.split(' ')[0] as Outcome) - order.indexOf(b.split(' ')[0] as Outcome))
    .map(([outcomes, faults]) => `| ${listed(faults)} | ${outcomes} |`)
  return `### ${title}\n\n| ${rows.length} faults | token endpoint | REST API |\n| --- | --- | --- |\n${lines.join('\n')}\n`
}

/** `500 with JSON, 500 with HTML, …` reads better by what they have in common. */
function listed(faults: readonly Fault[]): string {
  const split = faults.flatMap(({ name }) => {
    const [, status, tail] = /^(\d{3}) ((?:with|to) .*)$/.exec(name) ?? []
    return status === undefined || tail === undefined ? [] : [{ status, tail }]
  })
  if (split.length < faults.length) return cell(faults.map(({ name }) => name).join('; '))
  const byStatus = groupBy(split, ({ status }) => status)
  const byTails = groupBy([...byStatus], ([, parts]) => parts.map(({ tail }) => tail).join('; '))
  return cell(
    [...byTails].map(([tails, all]) => `${all.map(([status]) => status).join(', ')} ${tails}`).join('<br>'),
  )
}

function cell(words: string): string {
  return words.replaceAll('|', '\\|')
}

function total(): string {
  const rows = groups.flatMap((group) => group.rows)
  const count = (all: boolean) => rows.reduce((sum, fault) => sum + casesOf(fault, all), 0)
  return `${rows.length} faults: ${count(false)} runs of the program, and ${count(true)} with FAULTS=all.`
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
