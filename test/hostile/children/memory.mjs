// By how many MB the process grows, of which nobody asks V8 to collect anything.
import { Box, explore, explorePins, race } from './pagebox.mjs'

const scenario = { name: 'x', threads: [0, 1, 2, 3].map((i) => ({ name: `t${i}`, ops: [{ op: 'yield' }] })) }
const mb = (bytes) => Math.round(bytes / 1e6)
const resident = () => process.memoryUsage.rss()

async function growth(rounds, call) {
  for (let i = 0; i < 20; i++) await call()
  const before = resident()
  for (let i = 0; i < rounds; i++) await call()
  return mb(resident() - before)
}

switch (process.argv[2]) {
  case 'races':
    console.log(await growth(150, () => race(scenario, { rounds: 1 })))
    break
  case 'explorations':
    console.log(await growth(150, () => explore(scenario, { samples: 1 })))
    break
  case 'pin explorations':
    console.log(await growth(150, () => explorePins({ schedules: 1 })))
    break
  case 'boxes': {
    // Never closed: V8 has to find them, and does, for it knows what they weigh.
    const call = () => {
      const buf = Box.create({ pages: 4096 }).createMm().mmap({ pages: 2000 })
      buf.fill(1)
      for (let i = 0; i < 64; i++) buf.load(i)
    }
    for (let i = 0; i < 20; i++) {
      call()
      await new Promise((resolve) => setImmediate(resolve))
    }
    console.log(
      await growth(150, async () => {
        call()
        await new Promise((resolve) => setImmediate(resolve))
      }),
    )
    break
  }
}
