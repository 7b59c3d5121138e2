// A system that has no addon: what needs none works, the rest says so.
const { Box, decodeWords, layouts, roomMatrix, schemes } = await import('./pagebox.mjs')
const words = [0n, 0n, 0n, 1n, 0n, 0n, 0x0000_0001_ffff_ffffn, 0n]
const codes = [() => Box.create({ pages: 16 }), () => Box.attach({ pagebox: 'box', id: 'x' }), () => roomMatrix()].map(
  (call) => {
    try {
      call()
      return 'none'
    } catch (error) {
      return `${error.code} ${error.message.includes(process.platform)}`
    }
  },
)
console.log(JSON.stringify([layouts.names.length > 4, schemes.names.length, decodeWords(words).type, ...codes]))
