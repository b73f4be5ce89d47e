import { createHash } from 'node:crypto'
import type { LoopbackAnswer } from '../http/loopback-server.ts'
import { Html, html } from './html.ts'

/** One page, without the parts that all pages share. */
export interface Page {
  readonly title: string
  readonly body: Html
  /** The only script that the page runs. */
  readonly script?: string
  readonly status?: number
}

// Text has a contrast of at least 7 : 1 in light and dark mode (WCAG 2.2, 1.4.6), borders 3 : 1.
const style = `
:root { color-scheme: light dark; --back: #fff; --ink: #1c2430; --soft: #4a5464; --line: #7c8797; --act: #0a4ba8; --on: #fff }
@media (prefers-color-scheme: dark) {
  :root { --back: #14181f; --ink: #e8ecf2; --soft: #b4bdca; --line: #7c8797; --act: #9cc4ff; --on: #0d1a2e }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 42rem; background: var(--back); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
header, footer { color: var(--soft); font-size: .9rem }
header p { margin: 0; font-weight: 600 }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line) }
h1 { margin: .5rem 0 1rem; font-size: 1.7rem; line-height: 1.25 }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.1rem }
li { margin: .35rem 0 }
dl { margin: 1rem 0; display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .4rem 1.25rem }
dt { color: var(--soft) }
dd { margin: 0 }
code { font: .92em ui-monospace, monospace }
.act { display: inline-block; margin: .75rem 0; padding: .7rem 1.3rem; border-radius: .4rem; background: var(--act);
  color: var(--on); font-weight: 600; text-decoration: none }
.act:hover { text-decoration: underline }
:focus-visible { outline: 3px solid var(--act); outline-offset: 3px }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .6rem } }
`

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Renders a whole page. It loads nothing, and its policy allows only its own style and script. */
export function pageAnswer({ title, body, script, status = 200 }: Page): LoopbackAnswer {
  const scriptPolicy = script === undefined ? '' : `; script-src ${hashOf(script)}; connect-src 'self'`
  const { markup } = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – bitbucket-token</title>
<style>${new Html(style)}</style>
</head>
<body>
<header><p>bitbucket-token</p></header>
<main>
<h1>${title}</h1>
${body}
</main>
<footer><p>The program in your terminal serves this page from this machine. The page loads nothing from the network.</p></footer>
${script === undefined ? '' : html`<script>${new Html(script)}</script>`}
</body>
</html>
`
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src ${hashOf(style)}${scriptPolicy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    },
    body: markup,
  }
}
