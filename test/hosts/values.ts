// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these tests use shell and CI syntax in strings.
import fc from 'fast-check'

/** Values with all characters that are special to a shell or a CI. An environment cannot contain NUL. */
export const anyValue = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
      fc.constantFrom(
        "'",
        '"',
        '`',
        '$',
        '$(id)',
        '$(Build.BuildId)',
        '${HOME}',
        '`id`',
        '\\',
        "'\\''",
        '\\n',
      ),
      fc.constantFrom(
        '%',
        '%25',
        '%0A',
        '%AZP25',
        '%5D',
        '%name%',
        ']',
        '[',
        ';',
        '|',
        '|n',
        '||',
        '|0x41',
        "|'",
      ),
      fc.constantFrom(
        '##vso[task.complete]',
        '##teamcity[a]',
        '##[error]',
        '<+secrets.x>',
        '__B64__',
        '#',
        ' #',
      ),
      fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        ' ',
        '\t',
        '=',
        ':',
        '€',
        '\u{1f600}',
        '\u0085',
        '\u2028',
        '\u0001',
      ),
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
