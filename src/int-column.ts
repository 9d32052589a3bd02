const slabBits = 10
const slabLength = 1 << slabBits

/** Whole numbers by index; 0 where none was set. Memory comes in slabs, where numbers are set: there is never twice of what is needed. */
export class IntColumn {
  readonly #slabs: (Int32Array | undefined)[] = []

  get(index: number): number {
    const slab = this.#slabs[index >> slabBits]
    return slab === undefined ? 0 : slab[index & (slabLength - 1)]!
  }

  set(index: number, value: number): void {
    let slab = this.#slabs[index >> slabBits]
    if (slab === undefined) {
      slab = new Int32Array(slabLength)
      while (this.#slabs.length < index >> slabBits) this.#slabs.push(undefined)
      this.#slabs[index >> slabBits] = slab
    }
    slab[index & (slabLength - 1)] = value
  }
}
