/** What util.inspect and console.log look for. */
const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * Gives plain data a text of its own, so that nothing prints it as `[object Object]`. Not enumerable:
 * the data stays what it was to JSON, to spread and to comparisons.
 *
 * @param inspected Whether `console.log` shows the text too, where it says more than the data.
 */
export function withText<Value extends object>(value: Value, text: () => string, inspected = false): Value {
  Object.defineProperty(value, 'toString', { value: text, enumerable: false })
  if (inspected) Object.defineProperty(value, inspect, { value: text, enumerable: false })
  return value
}
