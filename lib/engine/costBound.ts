/** Operations of all threads in one sample: it holds the thread that asks, and this is a second or so. */
const maxOpsOfAll = 2 ** 27

/** Most operations in each thread that one sample takes; more of them are several samples. */
export const maxSampleOps = (threads: number): number => Math.floor(maxOpsOfAll / threads)
