import { expect, test } from 'vitest'
import { daysUntil, readDay } from '../src/input-values.ts'

test.each([
  ['2027-03-01', '2027-03-01'],
  [' 2027-03-01\n', '2027-03-01'],
  ['2028-02-29', '2028-02-29'],
  ['0001-01-01', '0001-01-01'],
  // As Woodpecker passes an unquoted date.
  ['"2027-03-01T00:00:00Z"', '2027-03-01'],
  ['"2027-03-01T00:00:00Z"\n', '2027-03-01'],
])('%j is the day %s', (text, day) => {
  expect(readDay(text)).toBe(day)
})

const otherForms =
  '2027-3-1 01.03.2027 03/01/2027 20270301 2027-03 2027-03-01T00:00:00Z 1772323200 ٢٠٢٧-٠٣-٠١'
const withZone = '2027-03-01T10:30:00+02:00 "2027-03-01T10:30:00Z" "2027-03-01"'
const outOfRange = '2027-02-30 2027-02-29 2027-13-01 2027-00-10 99999-03-01 +099999-03-01 -2027-03-01'

test.each([
  ...[otherForms, withZone, outOfRange].flatMap((days) => days.split(' ')),
  '2027-03-01 or later',
  'in March',
  '',
])('%j is not a day', (text) => {
  expect(readDay(text)).toBeUndefined()
})

test.each([
  ['2026-11-20T23:59:59.999Z', 2],
  ['2026-11-21T00:00:00Z', 1],
  ['2026-11-21T23:59:59Z', 1],
  ['2026-11-22T00:00:00Z', 0],
  ['2026-11-22T23:59:59Z', 0],
  ['2026-11-23T00:00:00Z', -1],
  ['2025-11-22T12:00:00Z', 365],
])('counts whole days in UTC: at %s there are %i left', (now, days) => {
  expect(daysUntil('2026-11-22', Date.parse(now))).toBe(days)
})
