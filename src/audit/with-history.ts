import { TokenError } from '../errors.ts'
import { GitFailure, GitStuck } from './git.ts'
import { auditHistory } from './history.ts'
import { failureOf } from './paths.ts'
import type { Place } from './place.ts'
import { count, type Report } from './report.ts'
import { rules } from './rules/index.ts'
import type { Audited } from './tree.ts'

/**
 * Adds to a report what earlier versions of the files contain.
 * @throws {TokenError} `input` if git cannot read the history, `interrupted`
 */
export async function withHistory(
  current: Audited,
  { git, prefix }: Place,
  pause: () => Promise<void>,
): Promise<Report> {
  const wanted = rules.filter(({ inHistory }) => inHistory)
  try {
    const history = await auditHistory(git, prefix, wanted, current.findings, pause)
    const { binary, tooLarge, missing, damaged } = history.skipped
    const notes = [
      history.unlisted > 0 &&
        `Too many findings in the history. Not listed: ${count(history.unlisted, 'more finding')}.`,
      history.isShallow &&
        'The clone is shallow, so earlier commits were not scanned. Run git fetch --unshallow.',
      binary + tooLarge > 0 &&
        `Earlier versions not scanned: ${binary} binary, ${tooLarge} larger than 10 MiB.`,
      missing > 0 &&
        `The clone is partial: it does not have ${count(missing, 'object')} of its history. Clone it without --filter.`,
    ]
    const failures = [
      damaged > 0 &&
        `${count(damaged, 'object')} of the history cannot be read. Run git fsck, or clone again.`,
      history.isPartial && 'git failed before the end of the history, or wrote nothing for ten minutes.',
    ]
    return {
      ...current,
      findings: [current.findings, history.findings].flat(),
      versions: history.versions,
      ignored: current.ignored + history.ignored,
      unlisted: current.unlisted + history.unlisted,
      notes: [...current.notes, ...notes.filter((note) => note !== false)],
      failures: [...current.failures, ...failures.filter((failure) => failure !== false)],
    }
  } catch (error) {
    if (error instanceof TokenError || git.stop.aborted) throw error
    if (!(error instanceof GitFailure) || error instanceof GitStuck) {
      const failure = `Could not scan the whole history: ${failureOf(error)}.`
      return { ...current, failures: [...current.failures, failure] }
    }
    throw new TokenError(
      'input',
      'Could not read the history: git is not installed, or this is not a clone that git trusts.',
      'Install git, and run audit --history in a clone that you own.',
      error,
    )
  }
}
