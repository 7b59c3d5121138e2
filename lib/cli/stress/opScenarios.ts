export { opScenarios } from '../../engine/scenario/builtin.ts'
