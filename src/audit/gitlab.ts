import { pathAsData } from './paths.ts'
import { inOneLine, jsonItems, type Report } from './report.ts'
import { fingerprints } from './sarif.ts'

/**
 * Writes the report as GitLab's code quality report: an array of issues (docs.gitlab.com, "Code Quality report format").
 * GitLab has five severities. It shows the findings in a merge request.
 */
export function* asGitlab({ findings }: Report): Generator<string> {
  const fingerprint = fingerprints()
  yield '['
  yield* jsonItems(findings, ',\n', (finding) => ({
    description: inOneLine(finding),
    check_name: finding.rule.id,
    fingerprint: fingerprint(finding),
    severity: finding.level === 'error' ? 'critical' : 'minor',
    location: { path: pathAsData(finding.path), lines: { begin: finding.line } },
  }))
  yield ']\n'
}
