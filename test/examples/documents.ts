import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import GithubSlugger from 'github-slugger'
import MarkdownIt from 'markdown-it'

export const root = join(import.meta.dirname, '../..')

/** A block of code in a document. */
export interface Example {
  /**
   * Its document and section, with a number from the second one in a section on: `docs/git.md#docker-builds 2`. A diff
   * is two: `…, old` and `…, new`.
   */
  readonly name: string
  /** As the document calls it; empty where it does not say. */
  readonly language: string
  readonly text: string
}

export interface Document {
  /** From the root: `docs/git.md`. */
  readonly name: string
  readonly text: string
  /** The headings, as GitHub makes anchors of them. */
  readonly anchors: readonly string[]
  /** Where links and pictures lead, as it is written. */
  readonly links: readonly string[]
  /** What stands in the text as code. */
  readonly codeSpans: readonly string[]
  readonly examples: readonly Example[]
}

/** All that is written for people, by its name. */
export const documents: ReadonlyMap<string, Document> = new Map(
  [
    '',
    'docs/',
    'test/',
    'test/faults/',
    'test/hostile/',
    'test/mutation/',
    'scripts/bench/',
    'scripts/simulate/',
  ]
    .flatMap((directory) => readdirSync(join(root, directory)).map((file) => `${directory}${file}`))
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name, readDocument(name, readFileSync(join(root, name), 'utf8'))]),
)

export const examples: readonly Example[] = [...documents.values()].flatMap((document) => document.examples)

/** GitHub's Markdown as far as it matters here: CommonMark with tables. */
export function readDocument(name: string, text: string): Document {
  const slugger = new GithubSlugger()
  const anchors: string[] = []
  const links: string[] = []
  const codeSpans: string[] = []
  const found: Example[] = []
  const blocks: string[] = []
  const tokens = new MarkdownIt().parse(text, {})
  tokens.forEach((token, index) => {
    if (token.type === 'heading_open') {
      const inline = tokens[index + 1]?.children ?? []
      anchors.push(slugger.slug(inline.map(({ content }) => content).join('')))
    }
    for (const child of token.children ?? []) {
      if (child.type === 'code_inline') codeSpans.push(child.content)
      const link = child.attrGet('href') ?? child.attrGet('src')
      if (typeof link === 'string') links.push(link)
    }
    if (token.type !== 'fence' && token.type !== 'code_block') return
    const section = `${name}#${anchors.at(-1) ?? ''}`
    const before = blocks.filter((other) => other === section).length
    blocks.push(section)
    const block = before === 0 ? section : `${section} ${before + 1}`
    const language = token.info.trim()
    if (language !== 'diff') found.push({ name: block, language, text: token.content })
    else
      found.push(
        { name: `${block}, old`, language, text: versionOf(token.content, '-') },
        { name: `${block}, new`, language, text: versionOf(token.content, '+') },
      )
  })
  return { name, text, anchors, links, codeSpans, examples: found }
}

/** What a diff begins with, or ends with: lines with this sign, and those that stay. */
function versionOf(diff: string, sign: '-' | '+'): string {
  const lines = diff.split('\n').filter((line) => line.startsWith(sign) || !/^[-+]/.test(line))
  return lines.map((line) => line.slice(1)).join('\n')
}
