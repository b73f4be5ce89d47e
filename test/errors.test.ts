import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutLines, type ErrorCode, quoteForLog, reasonOf, TokenError } from '../src/errors.ts'

describe('the exit status, which scripts rely on', () => {
  const statuses = {
    input: 2,
    'credential-refused': 3,
    'scope-missing': 4,
    'repository-unreadable': 4,
    'access-denied': 4,
    'store-unwritable': 4,
    unreachable: 5,
    'answer-unusable': 5,
    file: 1,
    host: 1,
    'no-consent': 1,
    interrupted: 1,
  } as const satisfies Record<ErrorCode, number>

  test.each(Object.entries(statuses))('of %s is %d', (code, status) => {
    expect(new TokenError(code as ErrorCode, 'What happened.', 'What to do.').exitStatus).toBe(status)
  })
})

test('an error says what happened, what to do next, and keeps its cause', () => {
  const cause = new Error('EACCES')
  const error = new TokenError('file', 'What happened.', 'What to do.', cause)
  expect(error).toBeInstanceOf(Error)
  expect({ ...error, message: error.message, cause: error.cause }).toMatchObject({
    name: 'TokenError',
    code: 'file',
    message: 'What happened.',
    nextStep: 'What to do.',
    cause,
  })
  expect('cause' in new TokenError('file', 'a', 'b')).toBe(false)
})

describe('quoteForLog', () => {
  test.each([
    ['a plain sentence stays', 'No callback uri defined for the OAuth client.', undefined],
    ['other scripts stay', 'Пароль неверен 密码错误 😀', undefined],
    ['a line break cannot start a new line', 'a\r\n::add-path::/evil\nb', 'a ::add-path::/evil b'],
    [
      'nor can other characters that programs treat as a line break',
      'a\u2028b\u2029c\u0085d\vd\fe',
      'a b c d d e',
    ],
    ['ANSI cannot colour or clear the screen', '\u001b[2J\u001b[31mred\u009b0m', '[2J [31mred 0m'],
    ['a backspace or bell does nothing', 'a\b\bb\u0007c\u007fd\0e', 'a b c d e'],
    ['characters that reverse or hide text are removed', 'a\u202eb\u200bc\ufeffd\u00ade', 'a b c d e'],
    [
      'an Azure command is broken',
      '##[error]x ##vso[task.setvariable]y',
      '# #[error]x # #vso[task.setvariable]y',
    ],
    [
      'a TeamCity command is broken',
      "##teamcity[setParameter name='a']",
      "# #teamcity[setParameter name='a']",
    ],
    ['removing characters creates no new command', '#\u200b#[error] ###[x', '# #[error] # # #[x'],
    ['half a surrogate pair is replaced', 'a\ud83d b\ude00', 'a\ufffd b\ufffd'],
    ['white space becomes empty', ' \n\t ', ''],
  ])('%s', (_, text, quoted = text) => {
    expect(quoteForLog(text)).toBe(quoted)
  })

  test('returns one line that no runner reads as a command, for any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('##', '#', '[', 'vso[', '\n', '\u2028', '::', '\u001b', '\u200b', '\ud83d', 'error]'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 15 }), (pieces) => {
        const quoted = quoteForLog(pieces.join(''))
        expect(quoted).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(quoted).not.toMatch(/##\w*\[/)
        expect(quoted.trim()).toBe(quoted)
      }),
      { numRuns: 300 },
    )
  })
})

describe('cutLines', () => {
  test('shortens long lines', () => {
    expect(cutLines('x'.repeat(1_000))).toBe('x'.repeat(1_000))
    expect(cutLines(`short\n${'x'.repeat(1_001)}`)).toBe(`short\n${'x'.repeat(1_000)}…`)
  })

  test('does not cut in the middle of a character', () => {
    expect(cutLines(`${'x'.repeat(999)}😀 and more`).isWellFormed()).toBe(true)
  })
})

test('reasonOf returns one line for any thrown value', () => {
  expect(reasonOf(new Error('ENOENT: no such file,\nopen'))).toBe('ENOENT: no such file, open')
  expect(reasonOf('just\ttext')).toBe('just text')
  expect(reasonOf(undefined)).toBe('undefined')
})
