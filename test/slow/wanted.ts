/**
 * How many checks a long test must have made; it fails when it made fewer.
 * @param name environment variable that asks for another number, such as a short run that shows that the test works
 * @throws {Error} when that is no whole number above zero
 */
export function wanted(name: string, usual: number): number {
  const given = process.env[name]
  if (given === undefined) return usual
  const count = Number(given)
  if (!Number.isInteger(count) || count < 1) throw new Error(`${name} is a whole number above zero, found ${given}`)
  return count
}
