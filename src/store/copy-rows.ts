import { copyHeader, copyTrailer } from './copy.ts'
import { copyPiece } from './copy-piece.ts'
import type { Fields } from './fields.ts'

const fewestBytes = 1 << 16

/** Rows in COPY's binary form, written field by field without an object for each: what the largest tables are filled with. */
export class CopyRows {
  /** the header alone until there is a row: most seals leave most tables as they are */
  #buffer: Buffer = copyHeader
  #used = copyHeader.length
  readonly #fields: number
  readonly #spares: Buffer[]

  /** @param spares memory of rows that were sent, of whichever table: left to the garbage it stays for long */
  constructor(fields: number, spares: Buffer[]) {
    this.#fields = fields
    this.#spares = spares
  }

  get isEmpty(): boolean {
    return this.#used === copyHeader.length
  }

  get bytes(): number {
    return this.#used
  }

  row(): void {
    this.#need(2)
    this.#used = this.#buffer.writeInt16BE(this.#fields, this.#used)
  }

  int(value: number): void {
    this.#need(8)
    this.#used = this.#buffer.writeInt32BE(4, this.#used)
    this.#used = this.#buffer.writeInt32BE(value, this.#used)
  }

  text(value: string | null): void {
    if (value === null) {
      this.#need(4)
      this.#used = this.#buffer.writeInt32BE(-1, this.#used)
      return
    }
    this.#need(4 + value.length * 3)
    const length = this.#buffer.write(value, this.#used + 4)
    this.#buffer.writeInt32BE(length, this.#used)
    this.#used += 4 + length
  }

  bytea(value: Buffer): void {
    this.piece(value, 0, value.length)
  }

  /** A piece of some bytes, as a bytea or, when they are UTF-8, as a text. */
  piece(bytes: Buffer, from: number, to: number): void {
    this.#need(4 + to - from)
    this.#used = this.#buffer.writeInt32BE(to - from, this.#used)
    copyPiece(this.#buffer, this.#used, bytes, from, to)
    this.#used += to - from
  }

  field(fields: Fields, i: number): void {
    this.piece(fields.bytes, fields.from(i), fields.to(i))
  }

  /** A bytea given in hexadecimal. */
  hex(value: string): void {
    this.#need(4 + value.length / 2)
    this.#used = this.#buffer.writeInt32BE(value.length / 2, this.#used)
    this.#used += this.#buffer.write(value, this.#used, 'hex')
  }

  /** The rows so far as one stream's bytes; begins anew. */
  take(): Buffer {
    this.#need(copyTrailer.length)
    this.#used += copyTrailer.copy(this.#buffer, this.#used)
    const taken = this.#buffer.subarray(0, this.#used)
    this.#buffer = copyHeader
    this.#used = copyHeader.length
    return taken
  }

  #need(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return
    const least = Math.max(this.#buffer.length * 2, this.#used + bytes, fewestBytes)
    const spare = this.#spares.findIndex(each => each.length >= least)
    const larger = spare < 0 ? Buffer.allocUnsafeSlow(least) : this.#spares.splice(spare, 1)[0]!
    this.#buffer.copy(larger, 0, 0, this.#used)
    if (this.#buffer !== copyHeader) this.#spares.push(this.#buffer)
    this.#buffer = larger
  }
}
