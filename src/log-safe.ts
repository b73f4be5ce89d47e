/**
 * Invisible characters, and those that change how a terminal shows other characters: control characters, line ends other
 * than `\n`, bidirectional controls, and characters that Unicode tells every reader to ignore. .NET skips the last group when
 * it compares text, so `#\u00ad#vso[…]` is a command for Azure's agent (azure-pipelines-agent: Command.cs).
 */
const unseen = String.raw`(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]`

// The expression is made only for text that is not plain ASCII. V8 needs 4 % of a short run to read Unicode's tables.
const isPlain = (text: string): boolean => !/[^\t\n -~]/.test(text)

/** Whether a text contains an invisible character. */
export const hasUnseen = (text: string): boolean => !isPlain(text) && new RegExp(unseen, 'u').test(text)

/** Replaces each invisible character by the same text. (To call a function for each would take twice as long for a megabyte.) */
export const replaceUnseen = (text: string, replacement: string): string =>
  isPlain(text) ? text : text.replace(new RegExp(unseen, 'gu'), replacement)

const escapeUnseen = (text: string, write: (character: string) => string): string =>
  isPlain(text) ? text : text.replace(new RegExp(unseen, 'gu'), write)

/**
 * The start of a command anywhere in a line: `##[…]` (GitHub, Azure), `##vso[…]` (Azure), `##teamcity[…]` and
 * `##octopus[…]`. `sections` matches the underscore of GitLab's `section_start:…` and Travis' `travis_fold:…`.
 */
const hashes = /##+/g
const sections = /(?<=section|travis)_(?=(?:start|end|fold|time):)/g

/**
 * The start of a command at the start of a line, after optional spaces: `::name::` (GitHub, Gitea, Forgejo, GitLab), and the
 * groups of Buildkite (`---`, `+++`, `~~~`, `^^^ +++`).
 */
const atStart = /^([^\S\n]*)(?:(:)(?=:)|(-)(?=--)|(\+)(?=\+\+)|(~)(?=~~)|(\^)(?=\^\^))/gm

/**
 * Returns text that no CI reads as a command and that does not control a terminal. It breaks a command with a space
 * (`# #vso[…]`) and writes invisible characters as escapes (`\u001b`).
 */
export function logSafeText(text: string): string {
  return escapeUnseen(text.replaceAll('\r\n', '\n'), (character) =>
    character === '\r' ? '\\r' : escaped(character),
  )
    .replace(hashes, (run) => `${'# '.repeat(run.length - 1)}#`)
    .replace(sections, '$& ')
    .replace(atStart, '$1$2$3$4$5$6 ')
}

/**
 * Returns JSON that no CI reads as a command, although some CIs look for commands anywhere in a line. The data stays the same
 * for a parser, because only characters inside strings are escaped (`\u0023#vso[…]`).
 */
export function logSafeJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return escapeUnseen(JSON.stringify(value, replacer), escaped)
    .replace(/#(?=#)|:(?=:)/g, escaped)
    .replace(sections, escaped)
}

/** Escapes every UTF-16 unit of a character as JSON does, so a surrogate pair becomes two escapes. */
function escaped(character: string): string {
  let escapes = ''
  for (let index = 0; index < character.length; index++) {
    escapes += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }
  return escapes
}
