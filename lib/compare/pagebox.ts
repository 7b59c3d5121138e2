import { Box } from '../engine/box.ts'
import { prepareCost } from '../engine/cost.ts'
import { pageTypes, version } from '../facts.ts'
import { layouts } from '../page/layouts.ts'
import { probe, room } from '../pins/room.ts'
import { schemes } from '../pins/schemes.ts'
import type { Subject } from './subject.ts'

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
