import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fault, shape } from './fault.ts'
import { readModule, type ReadModuleOptions } from './readModule.ts'

const modules = /\.[cm]?[jt]s$/
const mostBytes = 2 ** 20

const readable = 'a file that ends in .json, .ts, .mts, .mjs or .js'

function checkFile(path: string): void {
  if (!path.endsWith('.json') && !modules.test(path)) throw fault(path, 'its name says no format', `give ${readable}`)
  let size: number
  try {
    const found = statSync(path)
    // A pipe or a device might never end.
    if (!found.isFile()) throw fault(path, 'it is no regular file', `give ${readable}`)
    ;({ size } = found)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || code.startsWith('ERR_PAGEBOX')) throw error
    throw fault(
      path,
      code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`,
      `give ${readable}`,
      error,
    )
  }
  if (size > mostBytes) throw fault(path, `it has ${size} bytes`, `at most ${mostBytes} are read`)
}

function readJson(path: string, holds: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw fault(path, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, `give ${readable}`, error)
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw fault(path, `it is no JSON: ${(error as Error).message}`, holds, error)
  }
}

/** What a file says, as plain data that nobody has checked. */
export async function readDefinitions(path: string, options: ReadModuleOptions): Promise<unknown> {
  checkFile(path)
  return path.endsWith('.json') ? readJson(path, options.holds ?? shape) : readModule(resolve(path), options)
}

/** Whether a name is one of a file, and none of something that pagebox has. */
export const isFileName = (name: string): boolean => /\.json$/.test(name) || modules.test(name) || /[/\\]/.test(name)
