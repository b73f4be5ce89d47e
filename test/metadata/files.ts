import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { examples } from '../examples/documents.ts'
import type { Reader } from '../examples/steps.ts'
import { table } from '../examples/table.ts'

export const root = join(import.meta.dirname, '../..')

export type YamlMap = Readonly<Record<string, unknown>>

export const readText = (name: string): string => readFileSync(join(root, name), 'utf8')
export const readYaml = (name: string): YamlMap => parseYaml(readText(name)) as YamlMap

/** Parses YAML with anchors and merge keys, which Pipelines supports. */
export const parseYaml = (text: string): unknown => parse(text, { merge: true })

export interface Example {
  /** The name for a test's title. */
  readonly name: string
  readonly text: string
}

export const workflows: readonly Example[] = readdirSync(join(root, '.github/workflows'))
  .filter((name) => /\.ya?ml$/.test(name))
  .map((name) => `.github/workflows/${name}`)
  .map((name) => ({ name, text: readText(name) }))

/** Returns the examples of the docs for this CI. */
export const examplesFor = (reader: Reader): Example[] =>
  examples.filter(({ name }) => table[name]?.as === reader)

export const isMap = (value: unknown): value is YamlMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Returns every map below `value` that has this key, such as steps with `uses`, or pipes. */
export function mapsWith(key: string, value: unknown): YamlMap[] {
  if (Array.isArray(value)) return value.flatMap((item) => mapsWith(key, item))
  if (!isMap(value)) return []
  return [...(key in value ? [value] : []), ...Object.values(value).flatMap((item) => mapsWith(key, item))]
}

/** Returns the names of the npm scripts that shell commands in the text run. */
export function npmScriptsIn(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map(([, run, test]) => run ?? test ?? '')
}

export const npmScripts = Object.keys(
  (JSON.parse(readText('package.json')) as { scripts: Record<string, string> }).scripts,
)
