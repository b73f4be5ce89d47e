import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import GithubSlugger from 'github-slugger'
import MarkdownIt from 'markdown-it'

export const root = join(import.meta.dirname, '../..')

/** A code block in a document. */
export interface Example {
  /**
   * The document and section, with a number if it is not the first block of its section: `docs/git.md#docker-builds 2`.
   * A diff makes two examples: `…, old` and `…, new`.
   */
  readonly name: string
  /** The language that the document gives; empty if it gives none. */
  readonly language: string
  readonly text: string
}

export interface Document {
  /** The path from the root, such as `docs/git.md`. */
  readonly name: string
  readonly text: string
  /** The anchors that GitHub makes of the headings. */
  readonly anchors: readonly string[]
  /** The targets of links and pictures, as written. */
  readonly links: readonly string[]
  /** The inline code of the text. */
  readonly codeSpans: readonly string[]
  readonly examples: readonly Example[]
}

/** All Markdown documents, by name. */
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

/** Reads GitHub's Markdown as far as the tests need it: CommonMark with tables. */
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

/** Returns one side of a diff: the lines with this sign, and the unchanged lines. */
function versionOf(diff: string, sign: '-' | '+'): string {
  const lines = diff.split('\n').filter((line) => line.startsWith(sign) || !/^[-+]/.test(line))
  return lines.map((line) => line.slice(1)).join('\n')
}
