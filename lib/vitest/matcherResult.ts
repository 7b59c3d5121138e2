/** What a matcher returns to the runner; vitest and jest agree on it. */
export interface MatcherResult {
  pass: boolean
  message: () => string
  expected?: unknown
  actual?: unknown
}
