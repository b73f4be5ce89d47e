/**
 * What may be released: `X.Y.Z` and nothing behind it. A pre-release would need a tag of its own on npm, and the moving
 * tag of its major version must not go there.
 */
const released = /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)$/

export const isVersion = (text: string): boolean => released.test(text)

/** Less than 0 where the first comes first, as `sort` takes it. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [one.split('.').map(Number), other.split('.').map(Number)]
  const differs = left.findIndex((part, index) => part !== right[index])
  return differs < 0 ? 0 : (left[differs] ?? 0) - (right[differs] ?? 0)
}
