/**
 * Matches versions that may be released: `X.Y.Z` without a suffix. A pre-release would need its own tag on npm, and the
 * moving tag of the major version must not point to it.
 */
const released = /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)$/

export const isVersion = (text: string): boolean => released.test(text)

/** Compares versions for `sort`: returns less than 0 if the first is older. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [one.split('.').map(Number), other.split('.').map(Number)]
  const differs = left.findIndex((part, index) => part !== right[index])
  return differs < 0 ? 0 : (left[differs] ?? 0) - (right[differs] ?? 0)
}
