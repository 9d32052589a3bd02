import { type FileHandle, open } from 'node:fs/promises'
import { centralRecord, descriptor, endRecord, layOut, localHeader, type ZipEntry } from './zip-layout.ts'

/** A file that lies somewhere and is to stand in the archive. */
export interface ZipSource {
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
  /** where its bytes lie */
  readonly at: string
}

const pieceBytes = 1 << 20

/**
 * Writes the one ZIP file that these files can make, in their order, and has it on the disk when it returns.
 * @param onFile told after each file
 */
export async function writeZip(
  path: string,
  sources: readonly ZipSource[],
  onFile: (done: number, path: string) => void,
): Promise<void> {
  await using zip = await open(path, 'wx')
  const piece = Buffer.allocUnsafe(pieceBytes)
  const entries = layOut(sources.map(({ path, sizeBytes, crc32 }) => ({ path, sizeBytes, crc32 })))
  for (const [i, entry] of entries.entries()) {
    await writeAll(zip, localHeader(entry))
    await copyInto(zip, sources[i]!.at, entry, piece)
    await writeAll(zip, descriptor(entry))
    onFile(i + 1, entry.path)
  }
  const last = entries.at(-1)
  const directoryAt = last === undefined ? 0 : last.dataAt + last.sizeBytes + descriptor(last).length
  const records = Buffer.concat(entries.map(centralRecord))
  await writeAll(zip, Buffer.concat([records, endRecord(entries.length, directoryAt, records.length)]))
  await zip.sync()
}

async function copyInto(zip: FileHandle, from: string, { path, sizeBytes }: ZipEntry, piece: Buffer): Promise<void> {
  await using file = await open(from, 'r')
  let left = sizeBytes
  while (left > 0) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, left))
    if (bytesRead === 0) throw new Error(`${path} has become shorter while it was copied`)
    await writeAll(zip, piece.subarray(0, bytesRead))
    left -= bytesRead
  }
}

async function writeAll(zip: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await zip.write(bytes, at, bytes.length - at)).bytesWritten
}
