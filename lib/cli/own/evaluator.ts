import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const fromSource = import.meta.url.endsWith('.ts')
const evaluate = fileURLToPath(new URL(fromSource ? './evaluate.ts' : './evaluate.js', import.meta.url))
/** In a clone, tests run the sources as they are, from any folder. */
const loader = fromSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : []

/** Arguments of Node that begin the process in which a module is evaluated. */
export const evaluator: readonly string[] = [...loader, evaluate]
