import { PageboxError } from '../errors.ts'
import type { NativeBox } from '../native/binding.ts'
import type { Page } from '../page/page.ts'

/** What address spaces, files and devices need of the box that they belong to. */
export interface MachineSource<Owner> {
  readonly box: Owner
  readonly native: NativeBox
  page(pfn: number): Page<Owner>
}

/** Only the package itself makes the objects of a box. */
export const internal = Symbol('pagebox')

/** Throws for a constructor called from outside. */
export function checkInternal(given: symbol, what: string, allowed: string): void {
  if (given !== internal)
    throw new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${what} is made by ${allowed}`, {
      argument: `new ${what}()`,
      allowed,
    })
}

/** The error for objects of two boxes in one call. */
export const otherBox = (argument: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_OTHER_BOX', `${argument} belongs to another box, or to another handle on it`, {
    argument,
    given: 'of another box',
    allowed: 'of the same box',
  })

/** The error for an object of another kind, or a method called on something else. */
export const wrongKind = (argument: string, value: unknown, allowed: string): PageboxError =>
  new PageboxError(
    argument === 'this' ? 'ERR_PAGEBOX_THIS' : 'ERR_PAGEBOX_ARG_TYPE',
    `${argument} must be ${allowed}`,
    { argument, given: value === null ? 'null' : typeof value, allowed },
  )
