import { oauthClients } from '../bitbucket/oauth-clients.ts'
import { meaningOf } from '../bitbucket/scope-meanings.ts'
import type { Problem } from './callback.ts'
import { type Html, html } from './html.ts'
import type { Page } from './layout.ts'

/** What the start page tells the user. */
export interface Plan {
  /** Bitbucket's host: `bitbucket.org`. */
  readonly bitbucket: string
  readonly clientId: string
  readonly callback: URL
  readonly token: 'refresh token' | 'access token'
  /** Where the token will be saved, each in words: `the file /data/refresh-token`. */
  readonly destinations: readonly string[]
}

/** What was granted. It holds no secret. */
export interface Granted {
  /** In words, even if it is unknown. */
  readonly account: string
  /** Undefined if Bitbucket did not say. */
  readonly scopes: readonly string[] | undefined
  /** Each token, and what happened to it, in words. */
  readonly tokens: readonly (readonly [name: string, outcome: string])[]
  readonly next: string
}

export function startPage({ bitbucket, clientId, callback, token, destinations }: Plan): Page {
  const grant =
    token === 'refresh token'
      ? 'Bitbucket sends your browser back to this page with a code. The program exchanges the code for a refresh token.'
      : 'Bitbucket sends your browser back to this page with an access token. This page passes the token to the program.'
  return {
    title: 'Give bitbucket-token access to Bitbucket',
    body: html`<p>What will happen:</p>
<ol>
<li>The button takes you to <strong>${bitbucket}</strong>. There you log in, see what the OAuth client asks for, and grant or decline it.</li>
<li>${grant}</li>
<li>The program writes the ${token} to ${destinations.join(' and ')}. No page shows it.</li>
</ol>
<p><a class="act" href="/authorize">Continue to ${bitbucket}</a></p>
<h2>Check these first</h2>
${list([
  ['Client ID', html`<code>${clientId}</code>`],
  ['Its callback URL', html`<code>${callback.href}</code>`],
])}
<p>You find both in ${oauthClients}. If the callback URL there is different, Bitbucket says “Invalid redirect_uri”.</p>`,
  }
}

export function grantedPage({ account, scopes, tokens, next }: Granted): Page {
  return {
    title: 'Access was granted',
    body: html`${list([
      ['Account', html`${account}`],
      ...tokens.map(([name, outcome]) => [name, html`${outcome}`] as const),
    ])}
<h2>Granted scopes</h2>
${scopes === undefined ? html`<p>Bitbucket did not say which scopes were granted.</p>` : scopeList(scopes)}
<p>${next} The program has finished. You can close this tab.</p>`,
  }
}

function scopeList(scopes: readonly string[]): Html {
  if (scopes.length === 0)
    return html`<p>None: the OAuth client has no scopes, so it can do almost nothing.</p>`
  return list(scopes.map((scope) => [scope, html`${meaningOf(scope) ?? 'unknown to this version'}`]))
}

/** @param isFinal whether the program has ended because of the problem, so that the user cannot start again here */
export function problemPage({ title, text, advice, said }: Problem, isFinal: boolean): Page {
  return {
    title,
    body: html`<p>${text}</p>
${said === undefined ? '' : html`<p>Bitbucket says: <q>${said}</q></p>`}
${advice.split('\n').map((line) => html`<p>${line}</p>\n`)}
${isFinal ? html`<p>The program has ended. Its terminal shows the same message.</p>` : html`<p><a class="act" href="/">Start again</a></p>`}`,
  }
}

/**
 * The page to which the implicit grant returns. A browser never sends what follows the `#` to a server, so a script reads it.
 * The script removes it from the address and the history, then posts it to the program, which answers with the path
 * of the next page.
 */
export const fragmentPage: Page = {
  title: 'Please wait',
  body: html`<p role="status">Sending the answer to the program…</p>
<noscript><p>Please enable JavaScript. Only a script can read what Bitbucket put into the address.</p></noscript>`,
  script: `const answer = new URLSearchParams(location.hash.slice(1))
history.replaceState(null, '', location.pathname)
const say = (text) => { document.querySelector('[role=status]').textContent = text }
fetch(location.pathname, { method: 'POST', body: answer }).then(
  async (reply) => reply.ok ? location.replace(await reply.text()) : say(await reply.text()),
  () => say('The program does not answer. It may have ended. Run it again.'))`,
}

export const notFoundPage: Page = {
  title: 'Page not found',
  body: html`<p>Go to the <a href="/">start page</a>.</p>`,
  status: 404,
}

function list(rows: readonly (readonly [name: string, value: Html])[]): Html {
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`
}
