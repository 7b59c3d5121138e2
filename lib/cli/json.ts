/** Numbers that JSON can hold stay numbers; a bigint beyond 2^53 becomes decimal text. */
const plain = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

export const toJson = (value: unknown, indent?: number): string => JSON.stringify(value, plain, indent)
