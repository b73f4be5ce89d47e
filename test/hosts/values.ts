// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these tests use shell and CI syntax in strings.
import fc from 'fast-check'

/** What is special to a shell, a CI or one of its files. */
const special = [
  ...'\'"`$\\|;&#!~*?[]{}()<>=:,% \t\n\r€‘’‚‛“”\u{1f600}\u0001\u007f\u0085\u2028',
  ...['$(id)', '$(Build.BuildId)', '${HOME}', '`id`', "'\\''", '\\n', '-n', '\n\n', '\r\n', ' #'],
  ...['%25', '%0A', '%AZP25', '%5D', '%name%', '%s', '|n', '||', '|0x41', "|'", '::', '<<', 'EOF'],
  ...[
    '##vso[task.complete]',
    '##teamcity[a]',
    '##[error]',
    '##[',
    '<+secrets.x>',
    '__B64__',
    'ghadelimiter_',
  ],
]

/** Values that contain what is special. An environment cannot contain NUL. */
export const anyValue = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
      { weight: 5, arbitrary: fc.constantFrom(...special) },
    ),
  )
  .map((pieces) => pieces.join('').replaceAll('\0', ''))

/** Values in token formats, which every CI must pass on. */
export const tokenLikeValue = fc
  .string({
    unit: fc.constantFrom(...'ABCXYZabcxyz0123456789-_.~+/='),
    minLength: 1,
    maxLength: 200,
  })
  .filter((value) => !value.startsWith('__B64__'))
