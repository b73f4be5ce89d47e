import { type BrowserContext, type Browser as Chromium, chromium, type Page } from 'playwright-core'
import { afterAll, onTestFinished } from 'vitest'
import { chromiumPath } from '../../support/programs.ts'

/** A person's browser, and everything that it has shown. */
export interface Browser {
  readonly context: BrowserContext
  newTab(): Promise<Page>
  /** Returns address, title, text and history of every tab, and every message of a script. */
  shown(): Promise<string>
}

let running: Promise<Chromium> | undefined

// Vitest ends its processes without notice, so Chromium must be closed here.
afterAll(async () => {
  await (await running)?.close()
})

/** Starts one Chromium for a file of tests. It resolves `evil.example` to this machine. */
function start(): Promise<Chromium> {
  const path = chromiumPath()
  const options = {
    ...(path !== undefined && { executablePath: path }),
    args: ['--disable-gpu', '--disable-dev-shm-usage', '--host-resolver-rules=MAP evil.example 127.0.0.1'],
  }
  return chromium.launch(options)
}

/** Opens a browser without cookies or history. It closes when the test ends. */
export async function openChromium(): Promise<Browser> {
  running ??= start()
  const context = await (await running).newContext()
  onTestFinished(() => context.close())
  const messages: string[] = []
  return {
    context,
    async newTab() {
      const page = await context.newPage()
      page.on('console', (message) => messages.push(message.text()))
      page.on('pageerror', (error) => messages.push(String(error)))
      return page
    },
    async shown() {
      const tabs = await Promise.all(
        context.pages().map(async (page) => {
          const session = await context.newCDPSession(page)
          const { entries } = await session.send('Page.getNavigationHistory')
          const addresses = entries.map(({ url, title }) => `${title}: ${url}`)
          return [page.url(), await page.title(), await page.content(), ...addresses].join('\n')
        }),
      )
      return [...messages, ...tabs].join('\n')
    },
  }
}
