/** What a stress run of operations needs of the engine, loaded when one begins. */
export { layouts, race, schemes } from '../../index.ts'
export { tables } from '../../native/tables.ts'
export { schemeOf } from '../../pins/schemes.ts'
export { layoutOf } from '../../page/layouts.ts'
export { checkBehaviour } from '../../pins/behaviour.ts'
export { roomWarnings, typesOf } from '../../engine/collisions.ts'
export { readScenario } from '../../engine/scenario/readScenario.ts'
