import { precisionOf, recallOf, type Score, scores } from './corpus.ts'

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** The rows of the table in docs/audit.md, which this reporter prints too. */
export function scoreRows(): readonly (readonly string[])[] {
  const { byRule, all } = scores()
  const row = (score: Score) => [
    score.name,
    `${score.found} of ${score.expected}`,
    percent(recallOf(score)),
    `${score.wrong}`,
    percent(precisionOf(score)),
  ]
  return [...byRule, all].map(row)
}

export const scoreHeader = ['Rule', 'Found', 'Recall', 'Wrong', 'Precision'] as const

/** Prints recall and precision by rule after the tests of `npm run test:audit`. */
export default class CorpusReporter {
  onTestRunEnd(): void {
    console.log('\nRecall and precision on the corpus (test/audit/corpus):')
    for (const [name = '', ...cells] of [scoreHeader, ...scoreRows()])
      console.log(`  ${name.padEnd(36)}${cells.map((cell) => cell.padStart(12)).join('')}`)
  }
}
