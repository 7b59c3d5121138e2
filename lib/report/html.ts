import { visible } from '../base/unprintable.ts'

/** Markup that is already safe to put into a page. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

type Insert = Markup | string | number | false | null | undefined | readonly Insert[]

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as text: no markup, and nothing that a terminal obeys in which somebody looks at the file. */
export const escapeText = (text: string): string =>
  visible(text, '\n\t').replace(/[&<>"']/g, (sign) => entities[sign] as string)

function insert(value: Insert): string {
  if (value === false || value === null || value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map((each: Insert) => insert(each)).join('')
  return escapeText(String(value))
}

/**
 * Builds markup. Whatever is inserted is escaped unless it is markup itself,
 * so a scheme named `</script>` stays text. Attributes must be quoted.
 */
export function html(parts: TemplateStringsArray, ...values: Insert[]): Markup {
  return new Markup(parts.reduce((text, part, at) => text + insert(values[at - 1]) + part))
}
