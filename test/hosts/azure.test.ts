import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { azure } from '../../src/hosts/azure.ts'
import { Secret } from '../../src/secret.ts'
import { commandsIn, setVariables } from '../support/azure-agent.ts'
import { fakeWorld } from '../support/fake-world.ts'
import {
  describeContract,
  type HostUnderTest,
  sampleResults,
  secretConfiguration,
  startJob,
} from './contract.ts'
import { anyValue, tokenLikeValue } from './values.ts'

const subject: HostUnderTest = {
  name: 'azure',
  environment: (cwd) => ({ TF_BUILD: 'True', BUILD_BUILDID: '7', BUILD_SOURCESDIRECTORY: cwd }),
  hidden: ({ world }) =>
    commandsIn(world.out())
      .filter(({ name }) => name === 'task.setsecret')
      .map(({ data }) => data),
  later: ({ world }) =>
    Object.fromEntries(
      setVariables(world.out()).map(({ properties, data }) => [properties['variable'] ?? '', data]),
    ),
  carries: () => true,
}

describeContract(subject, {
  stdout: `##vso[task.setsecret]canary-T0k3n_0123456789abcdef=
working
##vso[task.setvariable variable=BITBUCKET_ACCESS_TOKEN;issecret=true]canary-T0k3n_0123456789abcdef=
##vso[task.setvariable variable=BITBUCKET_AUTHORIZATION;issecret=true]Bearer canary-T0k3n_0123456789abcdef=
##vso[task.setvariable variable=BITBUCKET_GIT_USERNAME;issecret=false]x-token-auth
##vso[task.setvariable variable=GIT_CONFIG_KEY_0;issecret=false]credential.https://bitbucket.org.helper
##vso[task.setvariable variable=GIT_CONFIG_VALUE_0;issecret=false]!f() { test "$1" = get && date%3B }%3B f%3B # 'x' %AZP25s %5D %3B
##vso[task.setvariable variable=GIT_CONFIG_COUNT;issecret=false]1
A later step gets the secret variables only if it maps them: env: { BITBUCKET_ACCESS_TOKEN: $(BITBUCKET_ACCESS_TOKEN), BITBUCKET_AUTHORIZATION: $(BITBUCKET_AUTHORIZATION) }. For this shell: . '<clone>/.bitbucket-token/env.sh'
`,
})

describe('a mask', () => {
  test('is read by the agent as the exact value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const world = fakeWorld()
        azure(world, undefined, false).mask(new Secret(value))
        // The agent compares secrets with one line at a time.
        const lines = value.split(/[\r\n]+/).filter((line) => line.trim() !== '')
        expect(commandsIn(world.out())).toEqual(
          lines.map((data) => ({ name: 'task.setsecret', properties: {}, data })),
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('a variable', () => {
  async function handedOver(value: string | Secret) {
    const job = await startJob(subject)
    job.host.handOver(sampleResults({ variables: new Map([['NAME', value]]), gitConfig: [] }))
    return job
  }

  test('is read by the agent unchanged, or is only in the file, with a warning that does not show it', async () => {
    await fc.assert(
      fc.asyncProperty(anyValue, fc.boolean(), async (value, isSecret) => {
        const { world } = await handedOver(isSecret ? new Secret(value) : value)
        const commands = commandsIn(world.out())
        const mayBeLeftOut = /[\r\n]|\$\(/.test(value)
        if (mayBeLeftOut && commands[0]?.name === 'task.logissue') {
          const data = 'NAME is only in the file, because Azure Pipelines would change its value.'
          expect(commands).toEqual([{ name: 'task.logissue', properties: { type: 'warning' }, data }])
          return
        }
        const properties = { variable: 'NAME', issecret: String(isSecret) }
        expect(commands).toEqual([{ name: 'task.setvariable', properties, data: value }])
        // The agent's rules: Variables.cs, `RecalculateExpanded`, and TaskCommandExtension.cs, "Secrets cannot contain
        // multiple lines".
        expect(value.replaceAll('$(Build.BuildId)', '7')).toBe(value)
        expect(isSecret && value.includes('\n')).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  test('in a token format is never left out', async () => {
    await fc.assert(
      fc.asyncProperty(tokenLikeValue, async (value) => {
        const { world } = await handedOver(new Secret(value))
        expect(setVariables(world.out())).toHaveLength(1)
      }),
      { numRuns: 100 },
    )
  })

  test('with a shell’s $(command …) is passed on unchanged', async () => {
    const { world } = await handedOver('test "$(date +%s)" -ge 1')
    expect(setVariables(world.out())[0]?.data).toBe('test "$(date +%s)" -ge 1')
  })

  test("of git's configuration is left out with its key if the agent would change its value", async () => {
    const { host, world } = await startJob(subject)
    host.handOver(sampleResults({ gitConfig: [['x.one', '$(Build.BuildId)']] }))
    expect(world.out()).not.toContain('x.one')
  })

  test("of another program's configuration is masked before it is passed on", async () => {
    const { host, world } = await startJob({ ...subject, environment: secretConfiguration })
    host.handOver(sampleResults())
    const data = ['Authorization: Bearer theirs-12345', 'theirs-12345']
    expect(commandsIn(world.out()).slice(0, 2)).toMatchObject(
      data.map((each) => ({ name: 'task.setsecret', data: each })),
    )
    expect(host.canMask()).toBe(true)
  })

  test("of git's configuration is added to those of the job", async () => {
    const job = await startJob({
      ...subject,
      environment: (cwd) => ({ ...subject.environment(cwd), GIT_CONFIG_COUNT: '2' }),
    })
    job.host.handOver(sampleResults())
    expect(subject.later(job)).toMatchObject({
      GIT_CONFIG_COUNT: '3',
      GIT_CONFIG_KEY_2: 'credential.https://bitbucket.org.helper',
    })
  })
})

describe('the log', () => {
  test('never contains a command, whatever its text', () => {
    fc.assert(
      fc.property(anyValue, fc.constantFrom('', '#', '\u00ad', '\u200d', '##'), (text, joint) => {
        const world = fakeWorld()
        azure(world, undefined, true).log.info(`${text}#${joint}#vso[task.complete result=Failed]${text}`)
        azure(world, undefined, true).log.debug(`##vso[task.setsecret]a\n${text}##[error]`)
        // .NET's IndexOf without StringComparison.Ordinal ignores characters without weight.
        expect(world.out().replace(/[\p{Cf}\0]/gu, '')).not.toMatch(/##/)
      }),
      { numRuns: 300 },
    )
  })

  test('writes warnings and errors as issues of one line', () => {
    const world = fakeWorld({ env: { SYSTEM_DEBUG: 'True' } })
    const { log } = azure(world, undefined, false)
    log.warning('50 %; [a]\r\nand more')
    log.error('##vso[task.complete]')
    log.debug('d')
    expect(world.out()).toBe(
      '##vso[task.logissue type=warning]50 %AZP25%3B [a%5D%0Aand more\n##vso[task.logissue type=error]# #vso[task.complete%5D\n##vso[task.debug]d\n',
    )
    expect(commandsIn(world.out()).map(({ name }) => name)).toEqual([
      'task.logissue',
      'task.logissue',
      'task.debug',
    ])
    expect(world.err()).toBe('')
  })
})
