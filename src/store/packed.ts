import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** how many times larger than its compressed bytes a text is at most, but for a few */
const expansion = 12
const fewestBytes = 1 << 10
const mostBytes = 1 << 18
/** What is small is done sooner than another thread would begin. */
const smallBytes = 4096

/** A text by zstd, whose window and tables are no larger than it. */
export function pack(text: string, params: Readonly<Record<number, number>> = quickly): Promise<Buffer> {
  const bytes = Buffer.from(text)
  return compress(bytes, { params, chunkSize: inOneGo(bytes.length / 2), pledgedSrcSize: bytes.length })
}

/** For what lives for the hours of a run at most. */
const quickly = { [constants.ZSTD_c_compressionLevel]: 1 }

export function unpack(body: Buffer): Buffer {
  return zstdDecompressSync(body, { chunkSize: inOneGo(body.length * expansion) })
}

/** The same, in another thread where it takes longer than asking for one. */
export function unpackAside(body: Buffer): Promise<Buffer> | Buffer {
  return body.length < smallBytes ? unpack(body) : decompress(body, { chunkSize: inOneGo(body.length * expansion) })
}

/**
 * Memory for a result, so that it comes in one go: by default a thread is asked, or memory taken and copied, for every 16 KiB of it. It is
 * held as a whole for as long as the result is.
 */
function inOneGo(bytes: number): number {
  return Math.ceil(Math.min(Math.max(bytes, fewestBytes), mostBytes))
}
