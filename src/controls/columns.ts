/** A column of integers that grows: 4 bytes a value, where an array of objects takes a hundred. */
export class IntColumn {
  #values: Int32Array = new Int32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Int32Array(this.#length * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.#length++] = value
  }

  at(row: number): number {
    return this.#values[row]!
  }

  values(): Int32Array {
    return this.#values.subarray(0, this.#length)
  }
}

/** Which rows belong to which key: compressed sparse rows. */
export interface Links {
  /** rows of key k stand in `rows` from offsets[k] to offsets[k + 1] */
  readonly offsets: Int32Array
  readonly rows: Int32Array
}

/** Groups row numbers by key in two passes. A negative key belongs to nobody. */
export function linkBy(keys: Int32Array, count: number): Links {
  const offsets = new Int32Array(count + 1)
  for (const key of keys) if (key >= 0) offsets[key + 1]!++
  for (let key = 0; key < count; key++) offsets[key + 1]! += offsets[key]!
  const next = offsets.slice(0, count)
  const rows = new Int32Array(offsets[count]!)
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row]!
    if (key >= 0) rows[next[key]!++] = row
  }
  return { offsets, rows }
}
