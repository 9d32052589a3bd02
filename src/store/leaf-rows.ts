const leafBytes = 32

/** Version rows as the digests of datasets need them, in columns: which dataset, from and to which version, and the leaf. */
export interface LeafColumns {
  readonly count: number
  /** index of the dataset in its place */
  readonly units: Int32Array
  readonly from: Int32Array
  readonly to: Int32Array
  /** 32 bytes each */
  readonly leaves: Uint8Array
}

/** Gathers version rows. */
export class LeafRows {
  #count = 0
  #units = new Int32Array(1024)
  #from = new Int32Array(1024)
  #to = new Int32Array(1024)
  #leaves = Buffer.from(new ArrayBuffer(1024 * leafBytes))

  /** @param leaf in hexadecimal */
  add(unit: number, from: number, to: number, leaf: string): void {
    if (this.#count === this.#units.length) this.#grow()
    this.#units[this.#count] = unit
    this.#from[this.#count] = from
    this.#to[this.#count] = to
    this.#leaves.write(leaf, this.#count * leafBytes, 'hex')
    this.#count++
  }

  /** What was gathered, in memory that holds nothing else. */
  columns(): LeafColumns {
    const count = this.#count
    const [units, from, to] = [this.#units.slice(0, count), this.#from.slice(0, count), this.#to.slice(0, count)]
    return { count, units, from, to, leaves: new Uint8Array(this.#leaves.subarray(0, count * leafBytes)) }
  }

  #grow(): void {
    const longer = (old: Int32Array<ArrayBuffer>) => {
      const column = new Int32Array(old.length * 2)
      column.set(old)
      return column
    }
    this.#units = longer(this.#units)
    this.#from = longer(this.#from)
    this.#to = longer(this.#to)
    const leaves = Buffer.from(new ArrayBuffer(this.#leaves.length * 2))
    leaves.set(this.#leaves)
    this.#leaves = leaves
  }
}

/** Rows of several gatherings together, dataset by dataset, in memory that threads can share. */
export interface LeavesByUnit {
  /** where the rows of each dataset begin; one more than there are datasets */
  readonly starts: Int32Array
  readonly from: Int32Array
  readonly to: Int32Array
  readonly leaves: Uint8Array
}

export function groupByUnit(gathered: readonly LeafColumns[], units: number): LeavesByUnit {
  const starts = shared(units + 1)
  let total = 0
  for (const { count, units: of } of gathered) {
    for (let i = 0; i < count; i++) starts[of[i]! + 1]!++
    total += count
  }
  for (let i = 1; i <= units; i++) starts[i]! += starts[i - 1]!
  const next = starts.slice()
  const [from, to] = [shared(total), shared(total)]
  const leaves = new Uint8Array(new SharedArrayBuffer(total * leafBytes))
  for (const { count, ...columns } of gathered) {
    for (let begin = 0, end = 0; begin < count; begin = end) {
      const unit = columns.units[begin]!
      while (end < count && columns.units[end] === unit) end++
      const at = next[unit]!
      from.set(columns.from.subarray(begin, end), at)
      to.set(columns.to.subarray(begin, end), at)
      leaves.set(columns.leaves.subarray(begin * leafBytes, end * leafBytes), at * leafBytes)
      next[unit] = at + end - begin
    }
  }
  return { starts, from, to, leaves }
}

function shared(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * 4))
}
