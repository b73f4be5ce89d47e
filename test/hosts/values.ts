// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what means something to a shell or a CI is tested here.
import fc from 'fast-check'

/** Values with all that means something to a shell or a CI. An environment cannot hold a NUL. */
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

/** Values as tokens look, which every CI must carry. */
export const tokenLikeValue = fc
  .string({
    unit: fc.constantFrom(...'ABCXYZabcxyz0123456789-_.~+/='),
    minLength: 1,
    maxLength: 200,
  })
  .filter((value) => !value.startsWith('__B64__'))
