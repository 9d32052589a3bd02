const nul = 0
const [firstPlain, quote, backslash] = [0x20, 0x22, 0x5c]

/** Texts one after the other, NUL between two of them, as UTF-8: read in place, since a string for each costs more than what is done with it. */
export class Fields {
  readonly bytes: Buffer
  #count = 0
  #ends = new Int32Array(1024)
  #escaped = new Uint8Array(1024)

  constructor(bytes: Buffer) {
    this.bytes = bytes
    let escaped = 0
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte > quote && byte !== backslash) continue
      if (byte === nul) {
        this.#end(at, escaped)
        escaped = 0
      } else if (byte < firstPlain || byte === quote || byte === backslash) escaped = 1
    }
    this.#end(bytes.length, escaped)
  }

  get count(): number {
    return this.#count
  }

  /** where field `i` begins among the bytes */
  from(i: number): number {
    return i === 0 ? 0 : this.#ends[i - 1]! + 1
  }

  /** where it ends */
  to(i: number): number {
    return this.#ends[i]!
  }

  isEmpty(i: number): boolean {
    return this.from(i) === this.to(i)
  }

  /** in JSON it stands as it is, between quotes */
  isPlain(i: number): boolean {
    return this.#escaped[i] === 0
  }

  text(i: number): string {
    return this.bytes.toString('utf8', this.from(i), this.to(i))
  }

  #end(at: number, escaped: number): void {
    if (this.#count === this.#ends.length) {
      const [ends, flags] = [new Int32Array(this.#count * 2), new Uint8Array(this.#count * 2)]
      ends.set(this.#ends)
      flags.set(this.#escaped)
      this.#ends = ends
      this.#escaped = flags
    }
    this.#ends[this.#count] = at
    this.#escaped[this.#count] = escaped
    this.#count++
  }
}
