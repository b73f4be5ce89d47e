import { type BrowserContext, type Browser as Chromium, chromium, type Page } from 'playwright-core'
import { afterAll, onTestFinished } from 'vitest'
import { chromiumPath } from '../../support/programs.ts'

/** A person's browser, and all that it has shown. */
export interface Browser {
  readonly context: BrowserContext
  newTab(): Promise<Page>
  /** Of every tab: its address, title and text, and the history behind it; and every message of a script. */
  shown(): Promise<string>
}

let running: Promise<Chromium> | undefined

// Vitest ends its processes without a word to them, so this is the last moment.
afterAll(async () => {
  await (await running)?.close()
})

/** One Chromium for a file of tests. A name that its pages may come under leads to this machine. */
function start(): Promise<Chromium> {
  const path = chromiumPath()
  const options = {
    ...(path !== undefined && { executablePath: path }),
    args: ['--disable-gpu', '--disable-dev-shm-usage', '--host-resolver-rules=MAP evil.example 127.0.0.1'],
  }
  return chromium.launch(options)
}

/** A fresh browser, without cookies or history, which ends with the test. */
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
