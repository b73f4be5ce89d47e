import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Log } from '../src/hosts/host.ts'
import { type HostName, hostNames, openHost } from '../src/hosts/index.ts'
import { plainLog } from '../src/hosts/plain-log.ts'
import { logSafeJson, logSafeText, replaceUnseen } from '../src/log-safe.ts'
import { fakeWorld } from './support/fake-world.ts'
import { commands, hostileText } from './support/hostile-text.ts'
import { commandsIn, readers } from './support/log-commands.ts'

describe('the command readers of these tests', () => {
  test.each(commands.filter((command) => !command.startsWith('%')))('recognise the command %j', (command) => {
    expect(commandsIn(command)).not.toEqual([])
  })

  test.each(Object.keys(readers))('%s recognises at least one command, and no plain text', (name) => {
    expect(commands.flatMap((command) => readers[name]?.(command) ?? [])).not.toEqual([])
    expect(readers[name]?.('error: a plain text, see docs/a.md#b (C#, a::b).\n')).toEqual([])
  })
})

test('every invisible character is found, and no other character, in a text with all of Unicode', () => {
  const unicode = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
  const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).join('')
  expect(replaceUnseen(all, '') === all.replace(unicode, '')).toBe(true)
})

describe('inert text', () => {
  test.each([
    ['##vso[task.complete]', '# #vso[task.complete]'],
    ['a ### b', 'a # # # b'],
    ['one\n  ::error::x', 'one\n  : :error::x'],
    ['--- a\n+++ b\n~~~ c\n^^^ +++', '- -- a\n+ ++ b\n~ ~~ c\n^ ^^ +++'],
    ['section_start:1:a', 'section_ start:1:a'],
    ['a\u001b[31m\u202e\u{e0001}', 'a\\u001b[31m\\u202e\\udb40\\udc01'],
    ['a\r\nb\rc', 'a\nb\\rc'],
    ['issue #1, C#, a::b, ä 密码 😀\tx', 'issue #1, C#, a::b, ä 密码 😀\tx'],
  ])('%j becomes %j', (text, said) => {
    expect(logSafeText(text)).toBe(said)
  })

  test('of any text is not a command for any CI, and does not change a second time', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const said = logSafeText(text)
        expect(commandsIn(said)).toEqual([])
        expect(logSafeText(said)).toBe(said)
      }),
      { numRuns: 3_000, examples: commands.map((command) => [command]) },
    )
  })
})

describe('inert JSON', () => {
  test('is not a command for any CI, and contains the same data', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 4 }), (texts) => {
        const data = { texts, nested: texts.map((text) => [{ [text]: text }]) }
        const written = logSafeJson(data)
        expect(commandsIn(written)).toEqual([])
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(data)))
      }),
      { numRuns: 2_000, examples: commands.map((command) => [[command, `\n${command}`]]) },
    )
  })
})

/** The commands with which our log marks a warning or an error on each CI. The text follows them. */
const ownCommands: Partial<Record<HostName, RegExp>> = {
  github: /^::(?:warning title=bitbucket-token|error title=bitbucket-token|debug)::/,
  gitea: /^::(?:warning title=bitbucket-token|error title=bitbucket-token|debug)::/,
  forgejo: /^::(?:warning title=bitbucket-token|error title=bitbucket-token|debug)::/,
  azure: /^##vso\[task\.(?:logissue type=(?:warning|error)|debug)\]/,
  teamcity: /^##teamcity\[message text='/,
}

describe('the log of each CI contains no command for any CI:', () => {
  test.each(hostNames)('%s', async (name) => {
    const world = fakeWorld({ env: { RUNNER_DEBUG: '1', SYSTEM_DEBUG: 'true' }, cwd: '/nonexistent' })
    const host = await openHost(name, world, { outputDir: undefined, debug: name !== 'github' })
    const logs: readonly Log[] = [host.log, plainLog(world, true)]
    fc.assert(
      fc.property(hostileText, (text) => {
        world.written.length = 0
        for (const { info, warning, error, debug } of logs)
          for (const say of [info, warning, error, debug]) say(text)
        for (const { text: written } of world.written) {
          expect(commandsIn(written.replace(ownCommands[name] ?? /(?!)/, 'own: '))).toEqual([])
        }
      }),
      { numRuns: 200, examples: commands.map((command) => [command]) },
    )
  })
})
