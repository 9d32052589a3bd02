import { type BinaryToTextEncoding, hash } from 'node:crypto'
import { copyPiece } from './copy-piece.ts'
import type { Fields } from './fields.ts'

/** A text that is put together to be hashed, over and over: what all of them begin with stays. */
export class DigestText {
  #bytes = Buffer.allocUnsafe(1024)
  #used = 0
  #kept = 0

  /** Begins anew, with what all texts to come begin with. */
  begin(text: string): void {
    this.#used = 0
    this.text(text)
    this.#kept = this.#used
  }

  /** Goes back to what all begin with. */
  rewind(): void {
    this.#used = this.#kept
  }

  text(text: string): void {
    this.#need(text.length * 3)
    this.#used += this.#bytes.write(text, this.#used)
  }

  bytes(bytes: Buffer): void {
    this.#piece(bytes, 0, bytes.length)
  }

  field(fields: Fields, i: number): void {
    this.#piece(fields.bytes, fields.from(i), fields.to(i))
  }

  /** @returns its SHA-256 */
  digest(encoding: BinaryToTextEncoding): string {
    return hash('sha256', this.#bytes.subarray(0, this.#used), encoding)
  }

  #piece(bytes: Buffer, from: number, to: number): void {
    this.#need(to - from)
    copyPiece(this.#bytes, this.#used, bytes, from, to)
    this.#used += to - from
  }

  #need(bytes: number): void {
    if (this.#used + bytes > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes.subarray(0, this.#used)], (this.#used + bytes) * 2)
  }
}
