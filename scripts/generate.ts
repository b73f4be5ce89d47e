/**
 * Copies tables and the version into the files that repeat them. The tables come from src/inputs.ts, test/audit,
 * src/outputs.ts, src/command-line.ts, src/audit/rules, test/faults/table.ts and test/clients/table.ts, and the version comes
 * from package.json. Until CHANGELOG.md has a release, README.md says that there is none.
 *
 *   npm run generate              updates the files that are stale
 *   npm run generate -- --check   names the files that are stale, and exits with 1 if there are any
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { recipes, recipeText } from '../src/audit/recipes.ts'
import { endpoints } from '../src/audit/rules/endpoints.ts'
import { rules } from '../src/audit/rules/index.ts'
import { commandFlagNames, commandFlagOf, commands } from '../src/command-line.ts'
import { definitionOf, type InputName, inputNames, variableOf } from '../src/inputs.ts'
import { exportedVariableTable, outputTable } from '../src/outputs.ts'
import { scoreHeader, scoreRows } from '../test/audit/corpus-report.ts'
import { vectors } from '../test/audit/scanners.ts'
import { clients } from '../test/clients/table.ts'
import { withFaults } from './fault-table.ts'
import { hasRelease } from './release/changelog.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

/** What the README says until the first release, because anybody can still register the names. */
const notReleased = `> **The first release is not out yet.** The names below do not belong to us yet on npm, Docker Hub, GitHub and Bitbucket.
> Until then, install no package, image or action with these names: they may belong to somebody else. In a clone of this
> repository, \`npm run demo\` is safe.
`

/** The inputs that most users need. The README shows them first and folds the others. */
const commonInputs: readonly InputName[] = [
  'client-id',
  'client-secret',
  'email',
  'api-token',
  'access-token',
  'refresh-token',
  'save-refresh-token',
  'scopes',
  'repository',
  'git-path',
]

/** How to make each file's new text from its present text. */
const files: Readonly<Record<string, (text: string) => string>> = {
  'action.yml': (text) => withYaml(text, { inputs: actionInputs(), outputs: actionOutputs() }),
  'pipe.yml': (text) => withVersion(withYaml(text, { variables: pipeVariables() })),
  'bitbucket-pipelines.yml': withVersion,
  'README.md': (text) => withTables('README.md', withVersion(text), readmeTables()),
  ...Object.fromEntries(documents().map((name) => [`docs/${name}`, withVersion])),
  'docs/audit.md': (text) => withRules(withVersion(text)),
  'docs/command-line.md': (text) =>
    withTables('docs/command-line.md', withVersion(text), commandLineTables()),
  'docs/git.md': (text) => withTables('docs/git.md', withVersion(text), { clients: clientTable() }),
  'test/faults/README.md': withFaults,
  'src/version.ts': (text) => text.replace(/'.*'/, `'${version}'`),
}

const isCheck = process.argv.includes('--check')
for (const [name, generate] of Object.entries(files)) {
  const path = join(root, name)
  const text = readFileSync(path, 'utf8')
  const generated = generate(text)
  if (generated === text) continue
  if (!isCheck) writeFileSync(path, generated)
  else complain(`${name} is stale: npm run generate`)
}

function documents(): string[] {
  return readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
}

function complain(problem: string): void {
  console.error(problem)
  process.exitCode = 1
}

function actionInputs() {
  return Object.fromEntries(
    inputNames.map((name) => {
      const { default: usual, help } = definitionOf(name)
      return [
        name,
        { description: help, required: false, ...(usual === undefined ? {} : { default: usual }) },
      ]
    }),
  )
}

function actionOutputs() {
  return Object.fromEntries(Object.entries(outputTable).map(([name, help]) => [name, { description: help }]))
}

/** Only `name` and `default`, as in Atlassian's own pipes, which all call the debug switch DEBUG. */
function pipeVariables() {
  return inputNames.map((name) => {
    const variable = name === 'debug' ? 'DEBUG' : variableOf(name)
    return { name: variable, default: definitionOf(name).default ?? `$${variable}` }
  })
}

/** Replaces the values of top-level keys. The rest of the file stays as it is, including comments. */
function withYaml(text: string, values: Readonly<Record<string, unknown>>): string {
  const document = parseDocument(text)
  for (const [key, value] of Object.entries(values)) document.set(key, document.createNode(value))
  return document.toString({ lineWidth: 0 })
}

/** Writes the full version of the pipe and the image, whose tags do not move, and the major version of the action and the npm package. */
function withVersion(text: string): string {
  const [major] = version.split('.')
  return text
    .replace(/\b(bitbucket-?token\/bitbucket-token:)\d+\.\d+\.\d+/g, `$1${version}`)
    .replace(/\b(bitbucket-token\/bitbucket-token@v|bitbucket-token@)\d+\b/g, `$1${major}`)
}

type Tables = Readonly<Record<string, string>>

function readmeTables(): Tables {
  return {
    release: hasRelease(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')) ? '' : notReleased,
    inputs: inputTables(),
    outputs: table(['Output', 'Meaning'], rowsOf(outputTable)),
    variables: table(['Variable', 'Meaning'], rowsOf(exportedVariableTable)),
  }
}

function inputTables(): string {
  const tableOf = (names: readonly InputName[]) =>
    table(['Input', 'Variable elsewhere', 'Default', 'Meaning'], names.map(inputRow))
  const others = inputNames.filter((name) => !commonInputs.includes(name))
  return `${tableOf(commonInputs)}
<details>
<summary>All other inputs (${others.length})</summary>

${tableOf(others)}
</details>
`
}

function commandLineTables(): Tables {
  const flags = commandFlagNames.map((name) => {
    const { help, commands, takes } = commandFlagOf(name)
    const flag = `--${name}${takes === undefined ? '' : ` ${takes}`}`
    const of = Object.entries(commands).map(([command, words]) =>
      words.length === 0 ? code(command) : `${code(command)}: ${words.map(code).join(', ')}`,
    )
    return [code(flag), of.join('; '), help]
  })
  return {
    commands: table(['Command', 'What it does'], rowsOf(commands)),
    flags: table(['Flag', 'Commands', 'What it does'], flags),
  }
}

function clientTable(): string {
  const rows = Object.entries(clients).flatMap(([name, { version, because, cases }]) =>
    cases.map(({ given, says, answer }, index) => [
      index === 0 ? name : '',
      index === 0 ? version : '',
      given,
      says !== undefined || answer === 401 ? 'refused' : answer === 200 ? 'accepted' : 'works',
      index === 0 ? because : '',
    ]),
  )
  return table(['Client', 'Version', 'Used with `env.sh`', 'Result', 'Why'], rows)
}

function withTables(name: string, text: string, tables: Tables): string {
  return Object.entries(tables).reduce((result, [mark, content]) => {
    const marked = new RegExp(`(<!-- ${mark} -->\n)[\\s\\S]*?(<!-- /${mark} -->)`)
    if (!marked.test(result) && isCheck) complain(`${name} has no <!-- ${mark} --> … <!-- /${mark} -->`)
    return result.replace(marked, (_, before: string, after: string) => `${before}\n${content}\n${after}`)
  }, text)
}

function withRules(text: string): string {
  const gone = new Map(endpoints.map(({ name, instead }) => [name, instead]))
  return withTables('docs/audit.md', text, {
    // Each finding links to its rule.
    rules: table(
      ['Rule', 'Level', 'What is wrong', 'Instead'],
      rules.map(({ id, level, what, instead }) => [`<a id="${id}"></a>${code(id)}`, level, what, instead]),
    ),
    endpoints: table(
      ['Removed', 'Instead'],
      [...gone].map(([name, instead]) => [code(name), instead]),
    ),
    recipes: table(
      ['Where', 'Write'],
      recipes.map((recipe) => [recipe.where, code(recipeText(recipe))]),
    ),
    scores: table(
      scoreHeader,
      scoreRows().map(([name = '', ...cells]) => [
        rules.some(({ id }) => id === name) ? code(name) : name,
        ...cells,
      ]),
    ),
    scanners: table(
      ['Scanner', 'Shape', 'Audit', 'Why'],
      vectors.map(({ scanner, shape, rule, because }) => [
        scanner,
        shape,
        rule === undefined ? 'no' : code(rule),
        because,
      ]),
    ),
  })
}

function inputRow(name: InputName): string[] {
  const { default: usual, help } = definitionOf(name)
  return [code(name), code(variableOf(name)), usual === undefined ? '' : code(usual), help]
}

function rowsOf(help: Readonly<Record<string, string>>): string[][] {
  return Object.entries(help).map(([name, meaning]) => [code(name), meaning])
}

function code(text: string): string {
  return `\`${text}\``
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [header, header.map(() => '---'), ...rows].map(line).join('')
}
