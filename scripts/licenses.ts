import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The licences of the packages whose files are bundled: who holds the rights to each, and below them, once, the text that
 * they have in common.
 * @param files absolute paths; those outside node_modules are ours
 * @throws {Error} for a package that brings no licence
 */
export function licensesOf(files: readonly string[]): string {
  const packages = new Map(files.flatMap(packageOf))
  const groups = new Map<string, { text: string; holders: string[] }>()
  for (const [name, directory] of [...packages].sort()) {
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${name} is bundled, but brings no licence`)
    const paragraphs = readFileSync(join(directory, file), 'utf8')
      .trim()
      .split(/\r?\n\s*\n/)
    const copyright = paragraphs.filter((paragraph) => /^copyright/i.test(paragraph))
    const text = paragraphs
      .slice(paragraphs.indexOf(copyright.at(-1) ?? '') + 1)
      .filter(isTerms)
      .join('\n\n')
    // The same words, however they are broken into lines and quoted.
    const key = text.replace(/[\s*"“”]+/g, ' ')
    const group = groups.get(key) ?? { text, holders: [] }
    group.holders.push([`${name} ${version}`, ...copyright].join('\n'))
    groups.set(key, group)
  }
  const parts = [...groups.values()].map(({ text, holders }) => `${holders.join('\n\n')}\n\n${text}\n`)
  return `What is bundled here besides bitbucket-token itself, and under which terms.\n\n${parts.join('\n---\n\n')}`
}

/** Not the words between the holders and the terms, which say nothing more. */
const isTerms = (paragraph: string): boolean =>
  !/^(?:all rights reserved\.?|(?:the )?mit license(?: \(mit\))?)$/i.test(paragraph.trim())

/** The name and the directory of the package that a file belongs to. */
function packageOf(file: string): [name: string, directory: string][] {
  const [directory, name = ''] =
    /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file.replaceAll('\\', '/')) ?? []
  return directory === undefined ? [] : [[name, directory]]
}
