import { IntColumn } from './int-column.ts'

const separator = '|'

/**
 * Parts by their group and parent, in the order in which they came. A parent is kept as what stands before and after its first bar, each text
 * once: hundreds of thousands of pairs name a few thousand accounts and permission sets.
 */
export class PartNames {
  #count = 0
  /** index of a part and one; 0 where there is none */
  #slots = new Int32Array(1 << 10)
  readonly #groups = new IntColumn()
  readonly #heads = new IntColumn()
  /** number of the text and one; 0 where there is no bar */
  readonly #tails = new IntColumn()
  readonly #texts: string[] = []
  readonly #textAt = new Map<string, number>()

  get count(): number {
    return this.#count
  }

  /** @returns the index of a part, which it gets here when it is new */
  enter(group: number, parent: string): number {
    const [first, second] = halvesOf(parent)
    const head = this.#numberOf(first)
    const tail = second === null ? 0 : this.#numberOf(second) + 1
    const slot = this.#slotOf(group, head, tail)
    if (this.#slots[slot] !== 0) return this.#slots[slot]! - 1
    const index = this.#count++
    this.#slots[slot] = index + 1
    this.#groups.set(index, group)
    this.#heads.set(index, head)
    this.#tails.set(index, tail)
    if (this.#count * 2 > this.#slots.length) this.#grow()
    return index
  }

  has(group: number, parent: string): boolean {
    const [first, second] = halvesOf(parent)
    const head = this.#textAt.get(first)
    const tail = second === null ? -1 : this.#textAt.get(second)
    return head !== undefined && tail !== undefined && this.#slots[this.#slotOf(group, head, tail + 1)] !== 0
  }

  groupOf(index: number): number {
    return this.#groups.get(index)
  }

  parentOf(index: number): string {
    const head = this.#texts[this.#heads.get(index)]!
    const tail = this.#tails.get(index)
    return tail === 0 ? head : `${head}${separator}${this.#texts[tail - 1]}`
  }

  #numberOf(text: string): number {
    const known = this.#textAt.get(text)
    if (known !== undefined) return known
    const number = this.#texts.push(text) - 1
    this.#textAt.set(text, number)
    return number
  }

  /** @returns where such a part stands, or would */
  #slotOf(group: number, head: number, tail: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(group, head, tail) & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]! - 1
      if (this.#heads.get(index) === head && this.#tails.get(index) === tail && this.#groups.get(index) === group) break
    }
    return slot
  }

  /** Half of the slots stay free. */
  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    for (let index = 0; index < this.#count; index++)
      this.#slots[this.#slotOf(this.#groups.get(index), this.#heads.get(index), this.#tails.get(index))] = index + 1
  }
}

function halvesOf(parent: string): readonly [first: string, second: string | null] {
  const bar = parent.indexOf(separator)
  return bar < 0 ? [parent, null] : [parent.slice(0, bar), parent.slice(bar + 1)]
}

function hashOf(group: number, head: number, tail: number): number {
  const hash = Math.imul(Math.imul(group, 0x85ebca6b) ^ head, 0x9e3779b1) ^ Math.imul(tail, 0xc2b2ae35)
  return hash ^ (hash >>> 15)
}
