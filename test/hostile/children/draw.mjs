/** Draws from a seed: `below(n)` by splitmix64, `oneOf(list)`; undefined of an empty list. */
export function drawing(seed) {
  let state = seed
  function below(n) {
    state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn
    let z = state
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn
    return Number((z ^ (z >> 31n)) % BigInt(n))
  }
  return { below, oneOf: (list) => list[below(Math.max(1, list.length))] }
}
