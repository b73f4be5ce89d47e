import fc from 'fast-check'
import { expect } from 'vitest'
import { type Page, pageAnswer } from '../../src/authorize/layout.ts'
import { type Granted, grantedPage, type Plan, problemPage, startPage } from '../../src/authorize/pages.ts'
import { anyText, property } from './property.ts'

// The pages of `authorize` repeat text of a server, a consumer's key, a path and an account's name.

const hostile = fc.oneof(
  anyText,
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)",
    '</title><script>',
    '</style><!--',
    '&lt;script&gt;',
    '\u2028</dd>\ud800',
  ),
)

/** Returns only the tags of a page, with their attributes. */
const skeleton = (page: Page): string => pageAnswer(page).body.replace(/>[^<]*/g, '>')

/** Returns the text that a browser shows, with character references decoded. */
const shownBy = (page: Page): string =>
  pageAnswer(page)
    .body.replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, number: string) => String.fromCharCode(Number(number)))

const callback = new URL('http://localhost:3000/oauth-callback')

function expectInert(make: (text: string) => Page, text: string): void {
  expect(skeleton(make(text))).toBe(skeleton(make('x')))
  expect(shownBy(make(text))).toContain(text.toWellFormed())
}

property('the problem page has the same tags, whatever text it shows', hostile, (text) => {
  for (const isFinal of [true, false]) {
    expectInert((said) => problemPage({ title: 'T', text: 'T', advice: 'A', said }, isFinal), text)
    expectInert((title) => problemPage({ title, text: title, advice: 'A' }, isFinal), text)
  }
})

property('the last page has the same tags, whatever text it shows', hostile, (text) => {
  const granted: Granted = { account: 'A', scopes: ['repository'], tokens: [['T', 'F']], next: 'N' }
  expectInert((account) => grantedPage({ ...granted, account }), text)
  expectInert((scope) => grantedPage({ ...granted, scopes: [scope] }), text)
  expectInert((fate) => grantedPage({ ...granted, tokens: [[fate, fate]] }), text)
})

property('the first page has the same tags, whatever text it shows', hostile, (text) => {
  const plan: Plan = { bitbucket: 'b', clientId: 'c', callback, token: 'refresh token', destinations: ['d'] }
  expectInert((clientId) => startPage({ ...plan, clientId }), text)
  expectInert((bitbucket) => startPage({ ...plan, bitbucket }), text)
  expectInert((place) => startPage({ ...plan, destinations: [place] }), text)
})
