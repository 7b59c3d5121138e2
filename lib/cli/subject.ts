import type { Subject } from '../compare/subject.ts'
import { Box, layouts, pageTypes, prepareCost, probe, room, schemes, version } from '../index.ts'

/** pagebox itself as what is compared. */
export const pagebox: Subject = {
  version,
  get schemes() {
    return [...schemes]
  },
  get layouts() {
    return [...layouts]
  },
  get pageTypes() {
    return pageTypes
  },
  room,
  probe,
  prepareCost,
  createBox: (options) => Box.create(options),
  definition: ({ definition }) => ({ ...definition }),
}
