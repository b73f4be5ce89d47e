import type { Match, Rule, Source } from '../rule.ts'

const dockerfile = /(?:^|\/)(?:[\w.-]+\.)?(?:docker|container)file(?:\.[\w.-]+)?$/i
/** An instruction with the lines that backslashes join to it. */
const instruction = /^[ \t]*(?<word>FROM|ARG|ENV|RUN)[ \t]+(?<rest>(?:[^\n\\]|\\[^\n]|\\\r?\n)*)/gim
const secretName = /token|pass|pwd|secret|key|cred|auth/i

/** Returns the secret arguments whose values an ENV instruction copies into the image: `ENV TOKEN=$TOKEN`. */
const copiesOf = (rest: string, names: ReadonlySet<string>): string[] =>
  [...rest.matchAll(/\$\{?(\w{1,100})/g)].map(([, name = '']) => name).filter((name) => names.has(name))

function* secretsInLayers({ path, text, isWholeFile }: Source): Iterable<Match> {
  if (!isWholeFile || !dockerfile.test(path)) return
  const names = new Set<string>()
  const instructions = [...text.matchAll(instruction)]
  const lastStage =
    instructions.findLast(({ groups }) => groups?.['word']?.toUpperCase() === 'FROM')?.index ?? 0
  for (const { 0: all, index, groups: { word = '', rest = '' } = {} } of instructions) {
    if (/^(?:arg|env)$/i.test(word)) {
      for (const [name] of rest.matchAll(/\b[A-Za-z_]\w{0,100}(?=[=\s]|$)/g))
        if (secretName.test(name)) names.add(name)
    }
    const [copied] = /^env$/i.test(word) && /bitbucket|\bbb_/i.test(all) ? copiesOf(rest, names) : []
    if (copied !== undefined) yield { start: index, end: index + all.length, name: copied }
    if (!/^run$/i.test(word) || !/bitbucket/i.test(all)) continue
    for (const { 1: name = '', index: at } of all.matchAll(/\$\{?(\w{1,100})/g)) {
      if (!names.has(name) || new RegExp(`--mount=type=secret[^\\s]*\\b${name}\\b`).test(all)) continue
      yield {
        start: index + at,
        end: index + at + name.length + 1,
        name,
        ...(index < lastStage && { level: 'question' as const }),
      }
      break
    }
  }
}

/** A build argument stays in the history of its image (docs.docker.com, "Build secrets"). */
export const images: readonly Rule[] = [
  {
    id: 'secret-in-image',
    level: 'error',
    what: 'A build argument or variable holds a secret. It stays in the layers and the history of the image.',
    instead: 'Use RUN --mount=type=secret, which leaves nothing in the image.',
    hasRecipe: true,
    find: secretsInLayers,
  },
]
