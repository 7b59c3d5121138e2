import * as pagebox from 'pagebox'

/** What a page needs of the package. Once all of it is there, this file can go. */
const needs: Readonly<Record<string, string>> = {
  'docs/mm.md': 'Mm',
  'docs/devices.md': 'Device',
  'docs/scenarios.md': 'scenario',
}

/** False: the page is ahead of the package, and is not held to it yet. */
export const isReady = (page: string): boolean => {
  const name = needs[page]
  return name === undefined || name in pagebox
}
