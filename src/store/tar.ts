/** One file of a tar stream; its bytes must be read, or skipped by reading on, before the next. */
export interface TarEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly bytes: AsyncGenerator<Buffer>
}

const block = 512

/**
 * A file of a tar stream, with its header and padding.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html ustar interchange format
 * @param name ASCII, at most 100 bytes
 */
export function tarFile(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(block)
  header.write(name, 0, 'ascii')
  header.write('0000600\0', 100, 'ascii')
  header.write('0000000\0', 108, 'ascii')
  header.write('0000000\0', 116, 'ascii')
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124, 'ascii')
  header.write('00000000000\0', 136, 'ascii')
  header.write('        ', 148, 'ascii')
  header.write('0', 156, 'ascii')
  header.write('ustar\x0000', 257, 'latin1')
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return Buffer.concat([header, content, Buffer.alloc(paddingOf(content.length))])
}

/** What ends a tar stream. */
export const tarEnd = Buffer.alloc(2 * block)

/**
 * Reads a tar stream file by file.
 * @throws {Error} when it is no tar stream, or ends too soon
 */
export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const source = new Bytes(chunks)
  for (;;) {
    const header = await source.take(block)
    if (header.every(byte => byte === 0)) return
    const said = Number.parseInt(header.toString('latin1', 148, 156), 8)
    if (header.toString('latin1', 257, 262) !== 'ustar' || said !== checksum(header)) throw new Error('this is no tar stream')
    const sizeBytes = Number.parseInt(header.toString('latin1', 124, 136), 8)
    const bytes = source.stream(sizeBytes)
    yield { name: header.toString('latin1', 0, 100).replace(/\0.*$/s, ''), sizeBytes, bytes }
    for await (const _ of bytes) {
      // what the caller did not read
    }
    await source.take(paddingOf(sizeBytes))
  }
}

/** The sum of a header's bytes, its own field taken for spaces. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0)
}

function paddingOf(sizeBytes: number): number {
  return (block - (sizeBytes % block)) % block
}

class Bytes {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.stream(length)) parts.push(part)
    return Buffer.concat(parts)
  }

  async *stream(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next()
        if (next.done === true) throw new Error('it ends too soon')
        this.#rest = next.value
        continue
      }
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      yield part
    }
  }
}
