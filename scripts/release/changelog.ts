import { compareVersions } from './version.ts'

/** What has been changed since the last release; anybody may add the heading when it is not there. */
const unreleased = /^## Unreleased$/m

/** Under each heading `## 1.2.3 (2026-11-21)`, what that version brought. */
const releasedHeading = /^## (\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\)$/gm

/**
 * Gives the unreleased part its version and date.
 * @param date such as `2026-11-21`
 * @throws {Error} where there is no such part, nothing in it, or a version that is not older
 */
export function withRelease(changelog: string, version: string, date: string): string {
  if (!unreleased.test(changelog))
    throw new Error('CHANGELOG.md has no "## Unreleased": what would be new in it?')
  const titled = changelog.replace(unreleased, `## ${version} (${date})`)
  if (notesOf(titled, version) === '') throw new Error('CHANGELOG.md has nothing under "## Unreleased"')
  const newest = [...changelog.matchAll(releasedHeading)]
    .map(([, name]) => name ?? '')
    .sort(compareVersions)
    .at(-1)
  if (newest !== undefined && compareVersions(version, newest) <= 0)
    throw new Error(`${newest} is released already, and ${version} is not newer`)
  return titled
}

/** What CHANGELOG.md says of a released version, without its heading; empty where it says nothing. */
export function notesOf(changelog: string, version: string): string {
  const [, ...parts] = changelog.split(/^(?=## )/m)
  const part = parts.find((text) => text.startsWith(`## ${version} (`)) ?? ''
  return part.replace(/^.*\n?/, '').trim()
}
