import type { Page } from '../page/page.ts'

/** What every failure message ends with: the descriptor, so that the reader need not run it again. */
export function showPage(page: Page): string {
  return `\n\npage ${page.pfn} (${page.type}), flags ${page.flags.join('|') || 'none'}\n${page.hexdump()}`
}

/** True for what `box.page(pfn)` returns. */
export function isPage(value: unknown): value is Page {
  return typeof value === 'object' && value !== null && 'pfn' in value && 'hexdump' in value && 'box' in value
}
