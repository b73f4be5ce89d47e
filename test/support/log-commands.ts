/**
 * Reads a step's output as each CI does, according to its source or documentation. Each reader returns the commands that it
 * finds. If it depends on the CI (registered names, white space), the reader here finds more than the real one.
 */

/** Splits an output as .NET does: at CR and at LF (StreamReader.ReadLine). */
const linesOf = (output: string): string[] => output.split(/\r\n|\r|\n/)

/**
 * Removes the characters that .NET ignores in `StartsWith` and `IndexOf` with a string, because these compare by culture
 * (.NET, "String comparisons"; ICU calls such characters completely ignorable).
 */
const asDotNetCompares = (line: string): string =>
  line.replace(/(?![\t\n\v\f\r\u0085])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')

/** Parses as actions/runner does (ActionCommand.cs): `TryParseV2`, then `TryParse`. Every name counts as registered. */
function github(line: string): string[] {
  const text = asDotNetCompares(line)
  const [, v2] = /^[\s\u0085]*::(.*?)::/.exec(text) ?? []
  if (v2 !== undefined) return [v2]
  const [, v1] = /##\[(.*?)\]/.exec(text) ?? []
  return v1 === undefined ? [] : [v1]
}

/** Parses as nektos/act does (pkg/runner/command.go). Gitea's and Forgejo's runners have the first pattern in reporter.go. */
function act(line: string): string[] {
  const [, ga] = /^::([^ ]+)( .+)?::([^\r\n]*)$/.exec(line) ?? []
  const [, ado] = /^##\[([^ ]+)( .+)?\]([^\r\n]*)$/.exec(line) ?? []
  return [ga, ado].filter((name) => name !== undefined)
}

/**
 * Azure's agent accepts `##vso[…]` anywhere (Command.cs). Its log viewer accepts `##[…]` at the start of a line ("Formatting
 * commands"); this reader accepts it anywhere.
 */
function azure(line: string): string[] {
  const [, name] = /##(?:vso)?\[(.*?)\]/.exec(asDotNetCompares(line)) ?? []
  return name === undefined ? [] : [name]
}

/** TeamCity accepts `##teamcity[…]` anywhere in a line ("Service Messages"). Octopus Deploy's commands are `##octopus[…]`. */
const teamcity = (line: string): string[] =>
  [...line.matchAll(/##(?:teamcity|octopus)\[([\w-]*)/g)].map(([, name = '']) => name)

/**
 * Buildkite accepts headers at the start of a line ("Managing log output"; buildkite/agent, process/scanner.go). This reader
 * also accepts them after colours, because a terminal shows them the same.
 */
const buildkite = (line: string): string[] =>
  /^(?:\u001b\[[\d;]*[A-Za-z])*(?:---|\+\+\+|~~~)\s|^\^\^\^\s+\+\+\+/.test(line) ? [line.slice(0, 20)] : []

/** GitLab's sections (lib/gitlab/ci/ansi2json) and Travis' folds. GitLab needs a CR and ESC after them; this reader does not. */
const sections = (output: string): string[] =>
  [...output.matchAll(/section_(?:start|end):|travis_(?:fold|time):/g)].map(([name]) => name)

/**
 * Control characters that a terminal or a log viewer obeys: colours, links, titles (ECMA-48). Jenkins' console notes
 * (`ESC[8mha:…`), Buildkite's time stamps (APC) and images (OSC) begin with one too. Also characters that change the
 * direction of text (UAX 9).
 */
const terminal = (output: string): string[] =>
  output.match(/(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu) ?? []

const ofLines = (read: (line: string) => string[]) => (output: string) => linesOf(output).flatMap(read)

/** The readers by CI. */
export const readers: Readonly<Record<string, (output: string) => string[]>> = {
  github: ofLines(github),
  act: ofLines(act),
  azure: ofLines(azure),
  teamcity: ofLines(teamcity),
  buildkite: ofLines(buildkite),
  sections,
  terminal,
}

/** Returns all commands that any CI finds in an output, each after the CI's name. */
export const commandsIn = (output: string): string[] =>
  Object.entries(readers).flatMap(([ci, read]) => read(output).map((command) => `${ci}: ${command}`))
