/**
 * How CIs read a step's output, written from their source or documentation. Each reader returns the commands that it takes
 * from it. Where a parser leaves room (which names are registered, white space), these take more than the real one.
 */

/** .NET reads a process's output line by line, at CR and LF alike (StreamReader.ReadLine). */
const linesOf = (output: string): string[] => output.split(/\r\n|\r|\n/)

/**
 * `StartsWith` and `IndexOf` with a string compare as the culture does, and there these characters are nothing (ICU: completely
 * ignorable; .NET, "String comparisons").
 */
const asDotNetCompares = (line: string): string =>
  line.replace(/(?![\t\n\v\f\r\u0085])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')

/** actions/runner, ActionCommand.cs: `TryParseV2`, then `TryParse`. Any name counts, as if all were registered. */
function github(line: string): string[] {
  const text = asDotNetCompares(line)
  const [, v2] = /^[\s\u0085]*::(.*?)::/.exec(text) ?? []
  if (v2 !== undefined) return [v2]
  const [, v1] = /##\[(.*?)\]/.exec(text) ?? []
  return v1 === undefined ? [] : [v1]
}

/** nektos/act, pkg/runner/command.go; Gitea's and Forgejo's runners have the first in reporter.go too. */
function act(line: string): string[] {
  const [, ga] = /^::([^ ]+)( .+)?::([^\r\n]*)$/.exec(line) ?? []
  const [, ado] = /^##\[([^ ]+)( .+)?\]([^\r\n]*)$/.exec(line) ?? []
  return [ga, ado].filter((name) => name !== undefined)
}

/**
 * Azure's agent, Command.cs: `##vso[…]` anywhere. Its log viewer takes `##[…]` at the start of a line ("Formatting
 * commands"); here anywhere.
 */
function azure(line: string): string[] {
  const [, name] = /##(?:vso)?\[(.*?)\]/.exec(asDotNetCompares(line)) ?? []
  return name === undefined ? [] : [name]
}

/** TeamCity, "Service Messages": `##teamcity[…]` anywhere in a line. Octopus Deploy's are `##octopus[…]`. */
const teamcity = (line: string): string[] =>
  [...line.matchAll(/##(?:teamcity|octopus)\[([\w-]*)/g)].map(([, name = '']) => name)

/**
 * Buildkite, "Managing log output"; buildkite/agent, process/scanner.go: headers at the start of a line. Behind colours too, as
 * a terminal shows them.
 */
const buildkite = (line: string): string[] =>
  /^(?:\u001b\[[\d;]*[A-Za-z])*(?:---|\+\+\+|~~~)\s|^\^\^\^\s+\+\+\+/.test(line) ? [line.slice(0, 20)] : []

/** GitLab, lib/gitlab/ci/ansi2json (it needs a CR and ESC behind it; this does not); Travis' folds are like it. */
const sections = (output: string): string[] =>
  [...output.matchAll(/section_(?:start|end):|travis_(?:fold|time):/g)].map(([name]) => name)

/**
 * What a terminal, or a viewer that plays one, obeys: colours, links, titles (ECMA-48); Jenkins' console notes
 * (`ESC[8mha:…`), Buildkite's time stamps (APC) and images (OSC) begin so as well. And what turns text around (UAX 9).
 */
const terminal = (output: string): string[] =>
  output.match(/(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu) ?? []

const ofLines = (read: (line: string) => string[]) => (output: string) => linesOf(output).flatMap(read)

/** By the CI that reads it. */
export const readers: Readonly<Record<string, (output: string) => string[]>> = {
  github: ofLines(github),
  act: ofLines(act),
  azure: ofLines(azure),
  teamcity: ofLines(teamcity),
  buildkite: ofLines(buildkite),
  sections,
  terminal,
}

/** All commands that any CI takes from this output, with its name. */
export const commandsIn = (output: string): string[] =>
  Object.entries(readers).flatMap(([ci, read]) => read(output).map((command) => `${ci}: ${command}`))
