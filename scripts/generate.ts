/**
 * Carries src/inputs.ts, src/input-help.ts, src/outputs.ts and the version in package.json to where they are repeated.
 *
 *   npm run generate              writes what is stale
 *   npm run generate -- --check   names it, and exits with 1 if there is any
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { inputHelp } from '../src/input-help.ts'
import { definitionOf, type InputName, inputNames, variableOf } from '../src/inputs.ts'
import { exportedVariableTable, outputTable } from '../src/outputs.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

/** What each file should be, made from what it is. */
const files: Readonly<Record<string, (text: string) => string>> = {
  'action.yml': (text) => withYaml(text, { inputs: actionInputs(), outputs: actionOutputs() }),
  'pipe.yml': (text) => withVersion(withYaml(text, { variables: pipeVariables() })),
  'bitbucket-pipelines.yml': withVersion,
  'README.md': (text) => withTables(withVersion(text)),
  ...Object.fromEntries(documents().map((name) => [`docs/${name}`, withVersion])),
  'src/version.ts': (text) => text.replace(/'.*'/, `'${version}'`),
}

const isCheck = process.argv.includes('--check')
for (const [name, generate] of Object.entries(files)) {
  const path = join(root, name)
  // A README that is not written yet is not stale.
  if (name === 'README.md' && !existsSync(path)) continue
  const text = readFileSync(path, 'utf8')
  const generated = generate(text)
  if (generated === text) continue
  if (!isCheck) writeFileSync(path, generated)
  else complain(`${name} is stale: npm run generate`)
}

function documents(): string[] {
  const directory = join(root, 'docs')
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.md')) : []
}

function complain(problem: string): void {
  console.error(problem)
  process.exitCode = 1
}

function actionInputs() {
  return Object.fromEntries(
    inputNames.map((name) => {
      const { default: usual } = definitionOf(name)
      return [
        name,
        { description: inputHelp[name], required: false, ...(usual === undefined ? {} : { default: usual }) },
      ]
    }),
  )
}

function actionOutputs() {
  return Object.fromEntries(Object.entries(outputTable).map(([name, help]) => [name, { description: help }]))
}

/** Nothing but `name` and `default`, as in Atlassian's own pipes; theirs all call the debug switch DEBUG. */
function pipeVariables() {
  return inputNames.map((name) => {
    const variable = name === 'debug' ? 'DEBUG' : variableOf(name)
    return { name: variable, default: definitionOf(name).default ?? `$${variable}` }
  })
}

/** Replaces the values of top-level keys and leaves the rest, comments too, as it is. */
function withYaml(text: string, values: Readonly<Record<string, unknown>>): string {
  const document = parseDocument(text)
  for (const [key, value] of Object.entries(values)) document.set(key, document.createNode(value))
  return document.toString({ lineWidth: 0 })
}

/** The pipe by its tag and its image by theirs, which do not move; the action and the npm package by their major version. */
function withVersion(text: string): string {
  const [major] = version.split('.')
  return text
    .replace(/\b(bitbucket-?token\/bitbucket-token:)\d+\.\d+\.\d+/g, `$1${version}`)
    .replace(/\b(bitbucket-token\/bitbucket-token@v|bitbucket-token@)\d+\b/g, `$1${major}`)
}

function withTables(text: string): string {
  const tables = {
    inputs: table(['Input', 'Variable elsewhere', 'Default', 'Meaning'], inputNames.map(inputRow)),
    outputs: table(['Output', 'Meaning'], rowsOf(outputTable)),
    variables: table(['Variable', 'Meaning'], rowsOf(exportedVariableTable)),
  }
  return Object.entries(tables).reduce((result, [name, content]) => {
    const marked = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!marked.test(result) && isCheck) complain(`README.md has no <!-- ${name} --> … <!-- /${name} -->`)
    return result.replace(marked, (_, before: string, after: string) => `${before}\n${content}\n${after}`)
  }, text)
}

function inputRow(name: InputName): string[] {
  const { default: usual } = definitionOf(name)
  return [code(name), code(variableOf(name)), usual === undefined ? '' : code(usual), inputHelp[name]]
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
