/**
 * Characters that nobody sees or that change how a terminal shows others: control characters, ends of lines that are not
 * `\n`, bidirectional controls, and what Unicode tells every reader to ignore. .NET skips the last when it compares text,
 * so `#\u00ad#vso[…]` is a command for Azure's agent (azure-pipelines-agent: Command.cs).
 */
const unseen = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/**
 * What begins a command anywhere in a line: `##[…]` (GitHub, Azure), `##vso[…]` (Azure), `##teamcity[…]` and
 * `##octopus[…]`; GitLab's `section_start:…` and Travis' `travis_fold:…`, without the underscore.
 */
const hashes = /##+/g
const sections = /(?<=section|travis)_(?=(?:start|end|fold|time):)/g

/**
 * What begins a command at the start of a line, behind blanks: `::name::` (GitHub, Gitea, Forgejo, GitLab), and the groups
 * of Buildkite (`---`, `+++`, `~~~`, `^^^ +++`).
 */
const atStart = /^([^\S\n]*)(?:(:)(?=:)|(-)(?=--)|(\+)(?=\+\+)|(~)(?=~~)|(\^)(?=\^\^))/gm

/**
 * Returns text that is no command for any CI that reads it, and nothing that a terminal obeys. What would be a command gets
 * a space (`# #vso[…]`), and unseen characters are written out (`\u001b`).
 */
export function inertText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(unseen, (character) => (character === '\r' ? '\\r' : escaped(character)))
    .replace(hashes, (run) => `${'# '.repeat(run.length - 1)}#`)
    .replace(sections, '$& ')
    .replace(atStart, '$1$2$3$4$5$6 ')
}

/**
 * Returns JSON that is no command for any CI, although some look for commands anywhere in a line. A parser reads the same
 * data, because only characters inside of strings are escaped (`\u0023#vso[…]`).
 */
export function inertJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replacer)
    .replace(unseen, escaped)
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
