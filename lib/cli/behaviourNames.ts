import { ruleSets } from '../page/rules.ts'
import { quirks } from '../pins/quirks.ts'

/** What `--rules` and `--quirks` take. */
export const kernels = (): { name: string }[] => ruleSets().map(({ name }) => ({ name }))
export const kernelQuirks = (): { name: string }[] => quirks().map(({ name }) => ({ name }))
