/** A list of numbers for each number below a limit, in eight bytes for each that stands in one. */
export class NumberLists {
  /** where the list of a number ends: place among the values and one; 0 for an empty one */
  readonly #ends: Int32Array
  #values = new Int32Array(1024)
  #before = new Int32Array(1024)
  #count = 0

  constructor(limit: number) {
    this.#ends = new Int32Array(limit)
  }

  add(to: number, value: number): void {
    if (this.#count === this.#values.length) {
      this.#values = twice(this.#values)
      this.#before = twice(this.#before)
    }
    this.#values[this.#count] = value
    this.#before[this.#count] = this.#ends[to]!
    this.#ends[to] = ++this.#count
  }

  /** What was added to a number, the last first. */
  *of(number: number): Generator<number> {
    for (let at = this.#ends[number]!; at > 0; at = this.#before[at - 1]!) yield this.#values[at - 1]!
  }
}

function twice(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(column.length * 2)
  larger.set(column)
  return larger
}
