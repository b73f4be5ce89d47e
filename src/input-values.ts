/**
 * Parses a boolean by the rules of YAML 1.1, ignoring case and surrounding spaces, because pipes parse their variables this
 * way (bitbucket_pipes_toolkit).
 * @returns undefined if the text is not a boolean
 */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  return ['false', 'no', 'off', '0'].includes(word) ? false : undefined
}

const dayLength = 86_400_000

/**
 * Reads a day of the calendar, such as `2027-03-01`. It also accepts how Woodpecker passes an unquoted date of its YAML
 * file: `"2027-03-01T00:00:00Z"` (woodpecker-ci/woodpecker, pipeline/frontend/yaml/compiler/settings/params.go).
 * @returns the day as `2027-03-01`, or undefined if `text` is not one
 */
export function readDay(text: string): string | undefined {
  const day = text.trim().replace(/^"(.*)T00:00:00Z"$/, '$1')
  const time = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN
  // JavaScript turns 30 February into a day in March.
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== day ? undefined : day
}

/** Returns how many days after today a day is; negative if it has passed. Days begin at midnight UTC. */
export const daysUntil = (day: string, now: number): number =>
  Date.parse(day) / dayLength - Math.floor(now / dayLength)
