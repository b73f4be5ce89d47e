import { oauthClients } from '../bitbucket/oauth-clients.ts'
import { meaningOf } from '../bitbucket/scope-meanings.ts'
import type { Problem } from './callback.ts'
import { type Html, html } from './html.ts'
import type { Page } from './layout.ts'

/** What is known before anybody has pressed the button. */
export interface Plan {
  /** Where Bitbucket is: `bitbucket.org`. */
  readonly bitbucket: string
  readonly clientId: string
  readonly callback: URL
  readonly token: 'refresh token' | 'access token'
  /** Where the token goes, each in words: `the file /data/refresh-token`. */
  readonly destinations: readonly string[]
}

/** What the consent has brought; no secret is among it. */
export interface Granted {
  /** In words, also where it is not known. */
  readonly account: string
  /** Undefined where Bitbucket did not say. */
  readonly scopes: readonly string[] | undefined
  /** Each token, and what became of it, in words. */
  readonly tokens: readonly (readonly [name: string, fate: string])[]
  readonly next: string
}

export function startPage({ bitbucket, clientId, callback, token, destinations }: Plan): Page {
  const grant =
    token === 'refresh token'
      ? 'Bitbucket sends your browser back to this page with a code, which the program changes into a refresh token.'
      : 'Bitbucket sends your browser back to this page with an access token, which this page hands to the program.'
  return {
    title: 'Give bitbucket-token access to Bitbucket',
    body: html`<p>What will happen:</p>
<ol>
<li>The button takes you to <strong>${bitbucket}</strong>. There you log in, see what the consumer asks for, and grant it or not.</li>
<li>${grant}</li>
<li>The ${token} goes to ${destinations.join(' and ')}. No page shows it.</li>
</ol>
<p><a class="act" href="/authorize">Continue to ${bitbucket}</a></p>
<h2>What must fit</h2>
${list([
  ['Consumer’s key', html`<code>${clientId}</code>`],
  ['Its callback URL', html`<code>${callback.href}</code>`],
])}
<p>Both are in ${oauthClients}. If the callback URL there is another, Bitbucket says “Invalid redirect_uri”.</p>`,
  }
}

export function grantedPage({ account, scopes, tokens, next }: Granted): Page {
  return {
    title: 'Access was granted',
    body: html`${list([
      ['Account', html`${account}`],
      ...tokens.map(([name, fate]) => [name, html`${fate}`] as const),
    ])}
<h2>What it may do</h2>
${scopes === undefined ? html`<p>Bitbucket did not say which scopes were granted.</p>` : scopeList(scopes)}
<p>${next} You can close this tab; the program has ended.</p>`,
  }
}

function scopeList(scopes: readonly string[]): Html {
  if (scopes.length === 0) return html`<p>Next to nothing: the consumer has no scopes.</p>`
  return list(scopes.map((scope) => [scope, html`${meaningOf(scope) ?? 'not known to this version'}`]))
}

/** @param isFinal whether the program has ended over it, so that there is nothing to begin again here */
export function problemPage({ title, text, advice, said }: Problem, isFinal: boolean): Page {
  return {
    title,
    body: html`<p>${text}</p>
${said === undefined ? '' : html`<p>Bitbucket says: <q>${said}</q></p>`}
${advice.split('\n').map((line) => html`<p>${line}</p>\n`)}
${isFinal ? html`<p>The program has ended; its terminal says the same.</p>` : html`<p><a class="act" href="/">Begin again</a></p>`}`,
  }
}

/**
 * Where the implicit grant comes back. What is behind the `#` never reaches a server, so a script takes it: out of the
 * address and the history first, then to the program, which answers with the path of what to see next.
 */
export const fragmentPage: Page = {
  title: 'One moment',
  body: html`<p role="status">The answer goes to the program.</p>
<noscript><p>This needs JavaScript: only a script can read what Bitbucket put into the address.</p></noscript>`,
  script: `const answer = new URLSearchParams(location.hash.slice(1))
history.replaceState(null, '', location.pathname)
const say = (text) => { document.querySelector('[role=status]').textContent = text }
fetch(location.pathname, { method: 'POST', body: answer }).then(
  async (reply) => reply.ok ? location.replace(await reply.text()) : say(await reply.text()),
  () => say('The program does not answer; it may have ended.'))`,
}

export const notFoundPage: Page = {
  title: 'There is nothing here',
  body: html`<p>The page you look for is <a href="/">at the start</a>.</p>`,
  status: 404,
}

function list(rows: readonly (readonly [name: string, value: Html])[]): Html {
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`
}
