/** "hmm_data (byte 16, bits 0-31)": a place as the tables, the tips and the lists name it. */
export function bitsText(at: {
  field: string
  tail: number
  offsetBytes: number
  shift: number
  bits: number
}): string {
  const tail = at.tail === 0 ? '' : `page[${at.tail}] `
  const last = at.shift + at.bits - 1
  const bits = at.bits === 1 ? `bit ${at.shift}` : `bits ${at.shift}-${last}`
  return `${tail}${at.field} (byte ${at.offsetBytes}, ${bits})`
}
