/**
 * CPU time of this process in nanoseconds, all threads. Time that other processes
 * took of the cores is not in it: on a busy machine wall time measures them.
 */
export function cpuNs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}
