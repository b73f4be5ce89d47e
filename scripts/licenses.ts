import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Returns the licenses of the packages that the files belong to: the copyright holders of each package, and below them,
 * once, the license text that they share.
 * @param files absolute paths; files outside node_modules are ours and are left out
 * @throws {Error} if a package contains no license
 */
export function licensesOf(files: readonly string[]): string {
  const packages = new Map(files.map(packageOf).filter((found) => found !== undefined))
  const groups = new Map<string, { text: string; holders: string[] }>()
  for (const [name, directory] of [...packages].sort()) {
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${name} is bundled, but it contains no license`)
    const paragraphs = readFileSync(join(directory, file), 'utf8')
      .trim()
      .split(/\r?\n\s*\n/)
    const copyright = paragraphs.filter((paragraph) => /^copyright/i.test(paragraph))
    const text = paragraphs
      .slice(paragraphs.indexOf(copyright.at(-1) ?? '') + 1)
      .filter(isTerms)
      .join('\n\n')
    // Licenses with the same words are one group, even if their line breaks and quotes differ.
    const key = text.replace(/[\s*"“”]+/g, ' ')
    const group = groups.get(key) ?? { text, holders: [] }
    group.holders.push([`${name} ${version}`, ...copyright].join('\n'))
    groups.set(key, group)
  }
  const parts = [...groups.values()].map(({ text, holders }) => `${holders.join('\n\n')}\n\n${text}\n`)
  return `Packages that are bundled with bitbucket-token, and their licenses.\n\n${parts.join('\n---\n\n')}`
}

/** Whether a paragraph is part of the terms. Titles such as "MIT License" and "All rights reserved" add nothing to them. */
const isTerms = (paragraph: string): boolean =>
  !/^(?:all rights reserved\.?|(?:the )?mit license(?: \(mit\))?)$/i.test(paragraph.trim())

/** Returns the name and the directory of the package that a file belongs to, or undefined if the file is ours. */
export function packageOf(file: string): [name: string, directory: string] | undefined {
  const [directory, name = ''] =
    /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file.replaceAll('\\', '/')) ?? []
  return directory === undefined ? undefined : [name, directory]
}
