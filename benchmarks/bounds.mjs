/**
 * How many times the instructions of its hand-written loop a scheme's batch may
 * take. 1.10 where that holds. Elsewhere what g++ 12 makes of it, and 0.05 for
 * other compilers: a batch asks at run time what the hand-written loop knows when
 * it is compiled (references a pin, stride, quirks, place of the count), checks the
 * pfn and says what failed. That is 5 to 18 instructions beside two to four locked
 * ones, which take most of the time. The list schemes call the same list code, 500 of
 * their 650 instructions; they have 120 to 160 of their own.
 * What the clock says of it is in docs/benchmarks.md.
 */
export const bounds = {
  refcount: 1.3,
  'lru-overlay': 1.3,
  'packed-64': 1.25,
  'packed-32': 1.25,
  'flag-and-word': 1.32,
  'own-counter': 1.14,
  'mapcount-overlay': 1.32,
  'refcount-bias': 1.19,
  'folio-pincount': 1.1,
  'side-table': 1.1,
  sharded: 1.36,
}

/**
 * The same of what is native of a single pin and its unpin from JavaScript, without the
 * ledger: the gate, the checks, and settings that are read from memory each time. That is some 100
 * instructions above a batch's pair; a twentieth for other compilers.
 */
export const singleBounds = {
  refcount: 3.4,
  'lru-overlay': 1.56,
  'packed-64': 1.49,
  'packed-32': 1.49,
  'flag-and-word': 1.57,
  'own-counter': 3.05,
  'mapcount-overlay': 3.2,
  'refcount-bias': 3.1,
  'folio-pincount': 2.65,
  'side-table': 2.9,
  sharded: 3.2,
}

/**
 * The same of a race's fused pin+unpin, one page after the other: those of a batch, without indices that are
 * written down and read again, and about one for the clock, the account and the latency of one in 256.
 */
export const raceBounds = {
  refcount: 1.15,
  'lru-overlay': 1.26,
  'packed-64': 1.24,
  'packed-32': 1.24,
  'flag-and-word': 1.29,
  'own-counter': 1.11,
  'mapcount-overlay': 1.2,
  'refcount-bias': 1.05,
  'folio-pincount': 0.98,
  'side-table': 1.06,
  sharded: 1.26,
}

/**
 * The same of its pins and unpins in random order, over those of a hand-written loop of the same mix, which draws
 * the same steps and keeps the same account of what it holds.
 */
export const mixBounds = {
  refcount: 1.36,
  'lru-overlay': 1.32,
  'packed-64': 1.28,
  'packed-32': 1.28,
  'flag-and-word': 1.32,
  'own-counter': 1.31,
  'mapcount-overlay': 1.42,
  'refcount-bias': 1.36,
  'folio-pincount': 1.28,
  'side-table': 1.32,
  sharded: 1.34,
}
