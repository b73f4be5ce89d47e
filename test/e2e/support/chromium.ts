import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** A person's browser, and all that it has shown. */
export interface Browser {
  readonly context: BrowserContext
  newTab(): Promise<Page>
  /** Every address that stayed in a tab, every title, text and message; and the history as it is now. */
  shown(): Promise<string>
}

/** A Chromium of its own (Debian's: `.ci/apt-install chromium`), which ends with the test. */
export async function openChromium(args: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'bitbucket-token-chromium-'))
  const context = await chromium
    .launchPersistentContext(profile, {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--disable-gpu', '--disable-dev-shm-usage', ...args],
    })
    .catch((error) => {
      throw new Error('These tests need Chromium: .ci/apt-install chromium, or its path in CHROMIUM', {
        cause: error,
      })
    })
  onTestFinished(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  })
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
          return [page.url(), await page.title(), await page.content(), JSON.stringify(entries)].join('\n')
        }),
      )
      return [...messages, ...tabs].join('\n')
    },
  }
}
