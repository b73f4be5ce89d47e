import { logSafeJson } from '../log-safe.ts'
import { pathAsData } from './paths.ts'
import { inOneLine, type Report } from './report.ts'
import { fingerprints } from './sarif.ts'

/**
 * Writes the report as GitLab's code quality report: an array of issues (docs.gitlab.com, "Code Quality report format").
 * GitLab has five severities. It shows the findings in a merge request.
 */
export function* asGitlab({ findings }: Report): Generator<string> {
  const fingerprint = fingerprints()
  let separator = '['
  for (const finding of findings) {
    const { rule, level, path, line } = finding
    const row = {
      description: inOneLine(finding),
      check_name: rule.id,
      fingerprint: fingerprint(finding),
      severity: level === 'error' ? 'critical' : 'minor',
      location: { path: pathAsData(path), lines: { begin: line } },
    }
    yield `${separator}${logSafeJson(row)}`
    separator = ',\n'
  }
  yield `${findings.length === 0 ? '[' : ''}]\n`
}
