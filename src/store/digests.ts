const digestBytes = 32
const slabDigests = 1 << 12

/** SHA-256 digests by number, in 32 bytes each. */
export class Digests {
  readonly #slabs: Buffer[] = []
  #count = 0

  /** @param digest in hexadecimal @returns its number, from 0 */
  add(digest: string): number {
    const at = this.#count % slabDigests
    if (at === 0) this.#slabs.push(Buffer.allocUnsafeSlow(slabDigests * digestBytes))
    this.#slabs.at(-1)!.write(digest, at * digestBytes, 'hex')
    return this.#count++
  }

  /** In hexadecimal. */
  get(number: number): string {
    const at = (number % slabDigests) * digestBytes
    return this.#slabs[Math.floor(number / slabDigests)]!.toString('hex', at, at + digestBytes)
  }
}
