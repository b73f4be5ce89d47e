/** Markup that is safe to put into a page, unlike text, which must be escaped. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

type Value = string | Html | readonly Html[]

/** Builds markup from a template. Text is escaped for both elements and quoted attributes. */
export function html(pieces: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: pieces }, ...values.map(markupOf)))
}

function markupOf(value: Value): string {
  if (typeof value === 'string') return escaped(value)
  return value instanceof Html ? value.markup : value.map(({ markup }) => markup).join('')
}

const escaped = (text: string): string =>
  text.toWellFormed().replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
