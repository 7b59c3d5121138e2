/**
 * Whether text is what a page shows. `…` stands for anything within a line, a line of `…` alone for
 * any number of lines, and a run of spaces for any other: columns move with the numbers in them.
 */
export function matches(shown: string, actual: string): boolean {
  const squeeze = (text: string): string => text.replace(/[ \t]+/g, ' ').replace(/^ +| +$/gm, '')
  const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const lines = squeeze(shown).split('\n')
  let pattern = ''
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1
    if (line.trim() === '…') pattern += isLast ? '[^]*' : '(?:.*\\n)*?'
    else pattern += line.split('…').map(quote).join('.*') + (isLast ? '' : '\\n')
  }
  return new RegExp(`^${pattern}$`).test(squeeze(actual))
}
