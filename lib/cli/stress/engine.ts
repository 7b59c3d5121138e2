/** What a stress run of operations needs of the engine, loaded when one begins. */
export { layouts, race, schemes } from '../../index.ts'
export { readScenario } from '../../engine/scenario/readScenario.ts'
