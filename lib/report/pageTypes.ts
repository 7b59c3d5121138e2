/** Headings of at most four letters, for tables with a column for each page type. */
const short: Record<string, string> = {
  free: 'free',
  anon: 'anon',
  file: 'file',
  slab: 'slab',
  'compound-head': 'head',
  tail: 'tail',
  'second-tail': 'tl2',
  'page-table': 'ptbl',
  'device-private-anon': 'dpvA',
  'device-private-file': 'dpvF',
  'device-public-anon': 'dpuA',
  'device-public-file': 'dpuF',
  'device-coherent': 'dcoh',
  fsdax: 'fsdx',
  devdax: 'ddax',
  p2pdma: 'p2p',
}

export const shortPageType = (type: string): string => short[type] ?? type.slice(0, 4)

/** The order of the columns; types that a user's layout adds come last. */
export function inColumnOrder(types: Iterable<string>): string[] {
  const known = Object.keys(short)
  const at = (type: string): number => (known.includes(type) ? known.indexOf(type) : known.length)
  return [...new Set(types)].sort((a, b) => at(a) - at(b))
}
