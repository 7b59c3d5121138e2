export {
  bisect,
  mad,
  mean,
  median,
  quantile,
  quantileSorted,
  sampleVariance,
  sampleWithReplacement,
} from 'simple-statistics'
