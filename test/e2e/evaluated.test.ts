import { spawn } from 'node:child_process'
import { describe, expect } from 'vitest'
import { printFormats } from '../../src/command-line.ts'
import { shells } from '../support/programs.ts'
import { type Bitbucket, inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'
import { silence } from './support/faults.ts'
import { bundle } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { gitEnvironment, runShell } from './support/shell.ts'

// The status of `eval "$(program)"` is that of the evaluated text, and 0 if the text is empty (POSIX, 2.14).

const evaluating = [...shells, { name: 'zsh', command: ['zsh'], tags: ['zsh'] }] as const

type Given = Readonly<Record<string, string>>

/** Runs a script that starts the program. */
async function inShell(
  [shell = '', ...applet]: readonly string[],
  options: readonly string[],
  script: string,
  bitbucket: Bitbucket,
  inputs: Given,
) {
  const child = spawn(shell, [...applet, ...options, '-c', script], {
    cwd: makeTree(),
    env: {
      ...gitEnvironment,
      ...variablesFor(bitbucket, inputs),
      NODE: process.execPath,
      PROGRAM: bundle,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const status = await new Promise((resolve) => child.once('close', resolve))
  return { status, stdout }
}

const evaluated = (args: string) => `eval "$("$NODE" "$PROGRAM" ${args})"`
const wrongSecret = (bitbucket: Bitbucket) => ({
  ...inputsFor.consumer(bitbucket),
  'client-secret': 'Qx7vK2mZ9pLw4TnB8rYc3HdF',
})

for (const { name, command: shell, tags } of evaluating) {
  describe(name, { tags: [...tags] }, () => {
    test('ends a script under -e with the status of a failure', async ({ bitbucket }) => {
      const script = `${evaluated('print --format sh')}; echo STILL`
      expect(await inShell(shell, ['-e'], script, bitbucket, wrongSecret(bitbucket))).toEqual({
        status: 3,
        stdout: '',
      })
    })

    test('returns the status of a failure without -e', async ({ bitbucket }) => {
      const script = `${evaluated('print --format sh')} && echo STILL; echo $?`
      expect(await inShell(shell, [], script, bitbucket, wrongSecret(bitbucket))).toEqual({
        status: 0,
        stdout: '3\n',
      })
    })

    test('ends a script that uses the documented form, even if the program cannot be started', async ({
      bitbucket,
    }) => {
      const script = (program: string) => `eval "$(${program} print --format sh || echo exit $?)"; echo STILL`
      const refused = await inShell(
        shell,
        [],
        script('"$NODE" "$PROGRAM"'),
        bitbucket,
        wrongSecret(bitbucket),
      )
      expect(refused).toEqual({ status: 3, stdout: '' })
      expect(await inShell(shell, [], script('no-such-program'), bitbucket, {})).toEqual({
        status: 127,
        stdout: '',
      })
    })

    test('sets the variables and returns 4 if the new refresh token is not saved', async ({ bitbucket }) => {
      const inputs = { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': 'command:exit 1' }
      const script = `${evaluated('print --format sh')}; echo "$?\${BITBUCKET_ACCESS_TOKEN:+ with a token}"`
      expect(await inShell(shell, [], script, bitbucket, inputs)).toEqual({
        status: 0,
        stdout: '4 with a token\n',
      })
    })
  })
}

describe('stdout after a failure', () => {
  test.each<[string, string]>([
    ['print --format sh --no-such-flag', '(exit 2)\n'],
    ['print --format=sh --timeout', '(exit 2)\n'],
    ['prnt --format sh', '(exit 2)\n'],
    ['--format sh', '(exit 2)\n'],
    ['print --fromat sh', '(exit 2)\n'],
    ['print --format bash', '(exit 2)\n'],
    ['print --format SH', '(exit 2)\n'],
    ['print more --format sh', '(exit 2)\n'],
    ['print --format json --format sh', '(exit 2)\n'],
    ['print --format sh --format json', ''],
    [
      'print --format powershell',
      "$global:LASTEXITCODE = 2; throw 'bitbucket-token failed with exit status 2'\n",
    ],
    ['print --format pwsh', "$global:LASTEXITCODE = 2; throw 'bitbucket-token failed with exit status 2'\n"],
    ['acquire sh', ''],
    ['', ''],
  ])('of `%s` is %j', async (line, stdout) => {
    const bitbucket = await startBitbucket()
    const run = await runShell({ bitbucket, args: line.split(' ').filter(Boolean) })
    expect([run.status, run.stdout]).toEqual([2, stdout])
  })

  const data = printFormats.filter((format) => format !== 'sh' && format !== 'powershell')
  test.each(data)('of the format %s is empty, because its readers expect data', async (format) => {
    const bitbucket = await startBitbucket()
    const inputs = wrongSecret(bitbucket)
    const run = await runShell({ bitbucket, inputs, args: ['print', '--format', format] })
    expect([run.status, run.stdout]).toEqual([3, ''])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('passes on the status of %s', async (signal, status) => {
    const bitbucket = await startBitbucket()
    bitbucket.script(silence)
    const run = await runShell({
      bitbucket,
      inputs: inputsFor.consumer(bitbucket),
      args: ['print', '--format', 'sh'],
      onStart(kill) {
        const arrived = setInterval(() => {
          if (bitbucket.requests.length === 0) return
          clearInterval(arrived)
          kill(signal)
        }, 10)
      },
    })
    expect([run.status, run.stdout]).toEqual([status, `(exit ${status})\n`])
  })

  test('passes on status 1 if the process ends before its work is done', async ({ bitbucket }) => {
    bitbucket.script(silence)
    const run = await runShell({
      bitbucket,
      inputs: inputsFor.consumer(bitbucket),
      args: ['print', '--format', 'sh'],
      preload: new URL('./support/nothing-to-wait-for.mjs', import.meta.url).href,
    })
    expect([run.status, run.stdout]).toEqual([1, '(exit 1)\n'])
  })
})
