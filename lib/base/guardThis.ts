import { PageboxError } from '../errors.ts'

type Member = PropertyDescriptor & { get?: () => unknown; value?: unknown }

/**
 * Makes every method and getter of a class check what it is called on: what a wrong `this` gets is
 * `ERR_PAGEBOX_THIS`, and not a TypeError of the engine's about something inside.
 *
 * @param isOne Whether a value is an instance; runs no code of the value.
 */
export function guardThis(
  kind: { readonly prototype: object },
  isOne: (value: unknown) => boolean,
  allowed: string,
): void {
  const check = (value: unknown): void => {
    if (isOne(value)) return
    const given = value === null ? 'null' : typeof value
    throw new PageboxError('ERR_PAGEBOX_THIS', `this must be ${allowed}`, { argument: 'this', given, allowed })
  }
  const guard = (member: (...args: unknown[]) => unknown) =>
    function guarded(this: unknown, ...args: unknown[]): unknown {
      check(this)
      return Reflect.apply(member, this, args)
    }
  for (const key of Reflect.ownKeys(kind.prototype)) {
    if (key === 'constructor') continue
    const member = Object.getOwnPropertyDescriptor(kind.prototype, key) as Member
    if (typeof member.value === 'function') {
      const value = guard(member.value as (...args: unknown[]) => unknown)
      Object.defineProperty(value, 'name', { value: String(key) })
      Object.defineProperty(kind.prototype, key, { ...member, value })
    } else if (member.get !== undefined) {
      Object.defineProperty(kind.prototype, key, { ...member, get: guard(member.get) as () => unknown })
    }
  }
}
