import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Level } from '../../src/audit/rule.ts'
import { rules } from '../../src/audit/rules/index.ts'
import { chance, letters, secrets } from './made-up.ts'
import { scan } from './scan.ts'

/** The corpus: `findings/` has a fault in each file, `innocent/` has none. `expected.txt` lists the faults. */
export const corpusDirectory = join(import.meta.dirname, 'corpus')

const random = chance(11)
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** What replaces `@@name@@` in a file, so that no file of this repository contains a secret. */
const values: Readonly<Record<string, string>> = {
  ...secrets,
  clientId: letters(random, 18),
  shortSecret: letters(random, 32),
  // One random token in 200 contains xxx in some case.
  tokenWithX: secrets.apiToken.replace(/(.{90})...(?=.{40})/, '$1xXx'),
  appPasswordBase64: base64(secrets.appPassword),
  apiTokenBase64: base64(secrets.apiToken),
  pairBase64: base64(`ada@example.com:${secrets.apiToken}`),
}

/** One file of the corpus, under the name that the audit sees. */
export interface CorpusFile {
  readonly path: string
  readonly text: string
}

/** Reads the corpus. The files end in `.txt`, so that no other tool takes them for code. */
export function corpusFiles(): readonly CorpusFile[] {
  return readdirSync(corpusDirectory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(?:findings|innocent)\/.*\.txt$/.test(name))
    .sort()
    .map((name) => ({
      path: name.replace(/\.txt$/, ''),
      text: readFileSync(join(corpusDirectory, name), 'utf8').replace(
        /@@(\w+?)@@/g,
        (_, value: string) => values[value] ?? missing(value),
      ),
    }))
}

function missing(value: string): never {
  throw new Error(`The corpus names @@${value}@@, which does not exist.`)
}

/** A line with a fault: where, which rule, and how certain. */
export interface Fault {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly level: Level
}

/** Reads `expected.txt`: lines of `path:line rule level`. All other lines of the corpus are innocent. */
export function expectedFaults(): readonly Fault[] {
  return readFileSync(join(corpusDirectory, 'expected.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((row) => {
      const [, path = '', line, rule = '', level] = /^(.+):(\d+) ([\w-]+) (error|question)$/.exec(row) ?? []
      if (line === undefined) throw new Error(`expected.txt has a row that cannot be read: ${row}`)
      return { path, line: Number(line), rule, level: level as Level }
    })
}

/** Returns the faults that the audit finds, one for each line and rule. */
export function foundFaults(): readonly Fault[] {
  const faults = corpusFiles().flatMap(({ path, text }) =>
    scan(Buffer.from(path), Buffer.from(text), rules).hits.map(({ rule, line, level }) => ({
      path,
      line,
      rule: rule.id,
      level,
    })),
  )
  return [...new Map(faults.map((fault) => [keyOf(fault), fault])).values()]
}

export const keyOf = ({ path, line, rule }: Fault): string => `${path}:${line} ${rule}`

/** How well the audit did on the corpus. */
export interface Score {
  readonly name: string
  readonly expected: number
  readonly found: number
  /** Findings that the corpus does not list. */
  readonly wrong: number
}

/** Counts for each rule, and for all rules. */
export function scores(): {
  readonly byRule: readonly Score[]
  readonly all: Score
} {
  const expected = expectedFaults()
  const found = foundFaults()
  const wanted = new Set(expected.map(keyOf))
  const seen = new Set(found.map(keyOf))
  const score = (name: string, counts: (fault: Fault) => boolean): Score => ({
    name,
    expected: expected.filter(counts).length,
    found: expected.filter((fault) => counts(fault) && seen.has(keyOf(fault))).length,
    wrong: found.filter((fault) => counts(fault) && !wanted.has(keyOf(fault))).length,
  })
  return {
    byRule: rules.map(({ id }) => score(id, ({ rule }) => rule === id)),
    all: score('All rules', () => true),
  }
}

export const recallOf = ({ expected, found }: Score): number => (expected === 0 ? 1 : found / expected)
export const precisionOf = ({ found, wrong }: Score): number =>
  found + wrong === 0 ? 1 : found / (found + wrong)
