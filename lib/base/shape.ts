import { array, boolean, integer, line, newName, oneOf, options } from './args.ts'

/** A schema as editors read it (draft 2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a value must be, said once: for the reader that checks it and for the schema that editors have. */
export interface Shape<Value> {
  /** Checks a value and gives back what was understood. Throws a `PageboxError` that names `where`. */
  readonly read: (value: unknown, where: string) => Value
  /** Made when it is asked for: names come from tables that are loaded late. */
  readonly schema: () => JsonSchema
  /** It may be left out. */
  readonly isOptional?: boolean
}

type Values<Fields> = { [Key in keyof Fields]: Fields[Key] extends Shape<infer Value> ? Value : never }

export const whole = (min: number, max: number): Shape<number> => ({
  read: (value, where) => integer(value, where, min, max),
  schema: () => ({ type: 'integer', minimum: min, maximum: max }),
})

export const yesOrNo: Shape<boolean> = { read: boolean, schema: () => ({ type: 'boolean' }) }

/** As `line()` of the arguments. */
export const textLine: Shape<string> = {
  read: line,
  schema: () => ({ type: 'string', maxLength: 500, pattern: '^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]*$' }),
}

/** As `newName()` of the arguments. */
export const ownName: Shape<string> = {
  read: newName,
  schema: () => ({ type: 'string', pattern: '^[a-zA-Z][\\w.-]{0,63}$' }),
}

/** One of the names that a table has. */
export const oneNameOf = <Name extends string>(names: () => readonly Name[]): Shape<Name> => ({
  read: (value, where) => oneOf(value, where, names()),
  schema: () => ({ enum: [...names()] }),
})

export const listOf = <Value>(item: Shape<Value>): Shape<Value[]> => ({
  read: (value, where) => array(value, where, item.read),
  schema: () => ({ type: 'array', maxItems: 4096, items: item.schema() }),
})

/** What may be left out, and what it is then. */
export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined>
export function optional<Value>(shape: Shape<Value>, otherwise: Value): Shape<Value>
export function optional<Value>(shape: Shape<Value>, otherwise?: Value): Shape<Value | undefined> {
  return {
    read: (value, where) => (value === undefined ? otherwise : shape.read(value, where)),
    schema: () => ({ ...shape.schema(), ...(isPlain(otherwise) && { default: otherwise }) }),
    isOptional: true,
  }
}

const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** An object with these fields and no other one, each read once and in this order. */
export function record<Fields extends Readonly<Record<string, Shape<unknown>>>>(
  fields: Fields,
): Shape<Values<Fields>> & { readonly keys: readonly string[] } {
  const keys = Object.keys(fields)
  return {
    keys,
    read: (value, where) => {
      const given = options(value, where, keys)
      return Object.fromEntries(
        Object.entries(fields).map(([key, shape]) => [key, shape.read(given[key], `${where}.${key}`)]),
      ) as Values<Fields>
    },
    schema: () => ({
      type: 'object',
      properties: Object.fromEntries(Object.entries(fields).map(([key, shape]) => [key, shape.schema()])),
      required: keys.filter((key) => fields[key]?.isOptional !== true),
      additionalProperties: false,
    }),
  }
}

/** The same shape with a word on what it is for. */
export const about = <Value>(description: string, shape: Shape<Value>): Shape<Value> => ({
  ...shape,
  schema: () => ({ ...shape.schema(), description }),
})
