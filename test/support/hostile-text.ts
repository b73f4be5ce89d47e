import fc from 'fast-check'

/** Complete commands of every CI. */
export const commands = [
  '##vso[task.complete result=Succeeded]x',
  '##vso[task.setvariable variable=a;issecret=true]b',
  '##[error]x',
  '##[set-env name=a]b',
  '#\u00ad#v\u200bso[task.complete]x',
  '#\u{e0100}#[add-path]x',
  '#\0#[group]x',
  '::set-output name=a::b',
  '  ::add-path::/evil',
  '\u0085::error::x',
  '\u00a0\u3000::stop-commands::x',
  ':\u200b:set-env name=a::b',
  "##teamcity[setParameter name='a' value='b']",
  "##octopus[setVariable name='YQ==' value='Yg==']",
  '--- group',
  '+++ group',
  '~~~ group',
  '^^^ +++',
  'section_start:1700000000:a[collapsed=true]\r\u001b[0K',
  'section_end:1700000000:a\r\u001b[0K',
  'travis_fold:start:a\r\u001b[0K',
  '\u001b[8mha:////4AAA\u001b[0m',
  '\u001b]8;;https://evil.example\u0007x\u001b]8;;\u0007',
  '\u001b_bk;t=1\u0007',
  '\u009b2J',
  'a\b\b\b',
  '\u202egnp.exe',
  '\u2066x\u2069',
  'x\r##vso[task.complete]',
  '%0A::error::x',
]

/** Commands and parts of commands in any order, with other text between them. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...commands),
      fc.constantFrom(
        ...['#', '##', '###', ':', '::', ':::', '[', ']', 'vso', 'teamcity', '---', '+++', '~~~', '^^^', ' '],
        ...'\n\r\t\v\u0085\u2028\u00a0\u200b\u00ad\ufe0f\u034f\u001b\u009b\0\ud83d\\"%',
        ...['\r\n', 'section_', 'start:', 'end:1:', 'travis_', 'fold:'],
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))
