import type { LayoutDefinition } from '../page/layout.ts'
import type { SchemeDefinition } from './scheme.ts'

/** What a file for `--scheme-file`, or a `pagebox.config`, says. */
export interface PageboxConfig {
  schemes?: readonly SchemeDefinition[]
  /** Defined before the schemes. */
  layouts?: readonly LayoutDefinition[]
}

/**
 * Gives back what it is given, with its type: for the default export of a configuration file of
 * TypeScript and of a file for `--scheme-file`.
 */
export const defineConfig = (config: PageboxConfig): PageboxConfig => config
