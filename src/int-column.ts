const slabBits = 12
const slabLength = 1 << slabBits

/** Whole numbers by index; 0 where none was set. Memory grows by slabs, so that there is never twice of what is needed. */
export class IntColumn {
  readonly #slabs: Int32Array[] = []

  get(index: number): number {
    const slab = this.#slabs[index >> slabBits]
    return slab === undefined ? 0 : slab[index & (slabLength - 1)]!
  }

  set(index: number, value: number): void {
    while (this.#slabs.length <= index >> slabBits) this.#slabs.push(new Int32Array(slabLength))
    this.#slabs[index >> slabBits]![index & (slabLength - 1)] = value
  }
}
