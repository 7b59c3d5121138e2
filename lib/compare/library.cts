// What the CommonJS build has in place of `library.ts`: the package has such a build, but its types say that it has none.
import type * as Statistics from 'simple-statistics' with { 'resolution-mode': 'import' }

const statistics = require('simple-statistics') as typeof Statistics

export const { bisect, mad, mean, median, quantile, quantileSorted, sampleVariance, sampleWithReplacement } = statistics
