export { pagebox } from '../compare/pagebox.ts'
