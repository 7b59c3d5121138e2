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
