import type { Layout } from './layout.ts'
import type { DecodedPage, FieldValue } from './page.ts'

const digits = (value: bigint, bytes: number): string => value.toString(16).padStart(bytes * 2, '0')

function said(field: FieldValue): string {
  return field.text === '' ? field.name : `${field.name} = ${field.text}`
}

/** One line a word: its offset, its value, and the fields that begin in it. */
export function hexdump(page: DecodedPage, layout: Layout): string {
  const { wordBytes } = layout
  return page.words
    .map((word, index) => {
      const from = index * wordBytes
      const here = page.fields.filter(({ offsetBytes }) => offsetBytes >= from && offsetBytes < from + wordBytes)
      return `${String(from).padStart(3)}  ${digits(word, wordBytes)}  ${here.map(said).join(', ')}`.trimEnd()
    })
    .join('\n')
}
