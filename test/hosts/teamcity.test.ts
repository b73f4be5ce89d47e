import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { teamcity } from '../../src/hosts/teamcity.ts'
import { logSafeText } from '../../src/log-safe.ts'
import { Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { describeContract, type HostUnderTest, sampleResults, startJob } from './contract.ts'
import { anyValue } from './values.ts'

interface Message {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

/** Decodes escaped values (jetbrains.com/help/teamcity/service-messages.html, "Escaped Values"). */
const decode = (text: string): string =>
  text.replace(/\|(?:0x([0-9A-Fa-f]{4})|(.))/gs, (_, code: string | undefined, character: string) =>
    code === undefined
      ? ({ n: '\n', r: '\r' }[character] ?? character)
      : String.fromCharCode(Number.parseInt(code, 16)),
  )

/** Finds messages, which may be anywhere in a line (the same page, "Service Messages Formats"). */
function parse(line: string): Message | undefined {
  const [, name, attributes = ''] = /##teamcity\[(\w+)((?: +\w+='(?:[^|'\]]|\|.)*')*)\]/s.exec(line) ?? []
  if (name === undefined) return undefined
  const pairs = [...attributes.matchAll(/(\w+)='((?:[^|']|\|.)*)'/gs)]
  return { name, attributes: Object.fromEntries(pairs.map(([, key, value = '']) => [key, decode(value)])) }
}

const messagesIn = (output: string): Message[] => output.split(/[\r\n]+/).flatMap((line) => parse(line) ?? [])

const parametersIn = (output: string): Record<string, string> =>
  Object.fromEntries(
    messagesIn(output)
      .filter(({ name }) => name === 'setParameter')
      .map(({ attributes: { name = '', value = '' } }) => [name.replace(/^env\./, ''), value]),
  )

const subject: HostUnderTest = {
  name: 'teamcity',
  environment: () => ({ TEAMCITY_VERSION: '2025.11', BUILD_NUMBER: '7' }),
  hidden: () => [],
  later: ({ world }) => parametersIn(world.out()),
  // git's configuration stays in the file, because its helper contains a percent sign, which is special in a parameter.
  carries: (name, value) => !(value instanceof Secret) && !name.startsWith('GIT_'),
}

describeContract(subject, {
  stdout: `working
##teamcity[setParameter name='env.BITBUCKET_GIT_USERNAME' value='x-token-auth']
TeamCity cannot hide this token in the log, so never print it. Load the file in each build step. For this shell: . '<clone>/.bitbucket-token/env.sh'
`,
})

test('a parameter is read unchanged, or is only in the file', async () => {
  await fc.assert(
    fc.asyncProperty(anyValue, async (value) => {
      const { host, world } = await startJob(subject)
      host.handOver(sampleResults({ variables: new Map([['NAME', value]]), gitConfig: [] }))
      // A name between two percent signs refers to another parameter.
      expect(parametersIn(world.out())).toEqual(value.includes('%') ? {} : { NAME: value })
      expect(world.out()).toMatch(/^[\n\x20-\x7e\x01-\x1f\x7f]*$/)
      expect(world.out().split(/[\r\n]/).length).toBe(value.includes('%') ? 1 : 2)
    }),
    { numRuns: 500 },
  )
})

describe('the log', () => {
  test('writes warnings and errors as messages that are read unchanged', () => {
    fc.assert(
      fc.property(anyValue, (text) => {
        const world = fakeWorld()
        const { log } = teamcity(world, undefined, false)
        log.warning(text)
        log.error(text)
        expect(messagesIn(world.out())).toEqual([
          { name: 'message', attributes: { text: logSafeText(text), status: 'WARNING' } },
          { name: 'message', attributes: { text: logSafeText(text), status: 'ERROR' } },
        ])
        expect(world.err()).toBe('')
      }),
      { numRuns: 500 },
    )
  })

  test('is ASCII, with numbers for other characters', () => {
    const world = fakeWorld()
    teamcity(world, undefined, false).log.error('ü€😀')
    expect(world.out()).toBe("##teamcity[message text='|0x00FC|0x20AC|0xD83D|0xDE00' status='ERROR']\n")
  })

  test('never contains another message, whatever its text', () => {
    fc.assert(
      fc.property(anyValue, fc.constantFrom('', '#'), (text, joint) => {
        const world = fakeWorld()
        const { log } = teamcity(world, undefined, true)
        log.info(`${text}${joint}##teamcity[buildStop comment='x']${text}`)
        log.debug(`##teamcity[buildStop comment='x']\n${text}`)
        expect(world.out()).not.toContain('##')
      }),
      { numRuns: 300 },
    )
  })
})
