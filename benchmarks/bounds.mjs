/**
 * How many times the instructions of its hand-written loop a scheme's batch may
 * take: [with prefetch, without]. 1.10 where it holds. Elsewhere what g++ 12 made
 * of it, and 0.05 for other compilers: the scheme's loop checks the pfn, asks at
 * run time what the hand-written one knows when it is compiled (references a pin,
 * stride, quirks, word of the count), and says what failed. That is 12 to 20
 * instructions beside two to four locked ones, which take most of the time; what
 * the clock says of it is in docs/benchmarks.md.
 */
const ratios = {
  refcount: [1.34, 1.35],
  'lru-overlay': [1.2, 1.2],
  'packed-64': [1.17, 1.17],
  'packed-32': [1.17, 1.17],
  'flag-and-word': [1.22, 1.22],
  'own-counter': [1.26, 1.22],
  'mapcount-overlay': [1.4, 1.35],
  'refcount-bias': [1.18, 1.1],
  'folio-pincount': [1.1, 1.1],
  'side-table': [1.16, 1.33],
  sharded: [1.4, 1.37],
}

export const bounds = Object.fromEntries(
  Object.entries(ratios).map(([scheme, [prefetch, plain]]) => [scheme, { prefetch, plain }]),
)
