import { compareVersions } from './version.ts'

/** The heading of the changes since the last release. Add it if it is missing. */
const unreleased = /^## Unreleased$/m

/** The headings of released versions, such as `## 1.2.3 (2026-11-21)`. */
const releasedHeading = /^## (\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\)$/gm

/**
 * Replaces the heading `## Unreleased` by the version and date.
 *
 * @param date a date such as `2026-11-21`
 * @throws {Error} if the heading is missing, nothing is under it, or the same or a newer version is already released
 */
export function withRelease(changelog: string, version: string, date: string): string {
  if (!unreleased.test(changelog))
    throw new Error('CHANGELOG.md has no "## Unreleased": add it with the changes of this version')
  const titled = changelog.replace(unreleased, `## ${version} (${date})`)
  if (notesOf(titled, version) === '') throw new Error('CHANGELOG.md has nothing under "## Unreleased"')
  const newest = [...changelog.matchAll(releasedHeading)]
    .map(([, name]) => name ?? '')
    .sort(compareVersions)
    .at(-1)
  if (newest !== undefined && compareVersions(version, newest) <= 0)
    throw new Error(`${newest} is already released, and ${version} is not newer`)
  return titled
}

/** Whether any version was released. */
export const hasRelease = (changelog: string): boolean => changelog.search(releasedHeading) >= 0

/** Returns the text under the heading of a released version, or an empty text if there is none. */
export function notesOf(changelog: string, version: string): string {
  const [, ...parts] = changelog.split(/^(?=## )/m)
  const part = parts.find((text) => text.startsWith(`## ${version} (`)) ?? ''
  return part.replace(/^.*\n?/, '').trim()
}
