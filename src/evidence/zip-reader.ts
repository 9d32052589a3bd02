import type { FileHandle } from 'node:fs/promises'
import { endSizeBytes, signatures } from './zip-layout.ts'

/** What the central directory claims. Nothing of it is believed before it was compared. */
export interface ClaimedEntry {
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
  readonly headerAt: number
}

export interface Directory {
  readonly entries: readonly ClaimedEntry[]
  readonly at: number
  /** from the directory's first byte to the end of the file */
  readonly bytes: Buffer
}

/** Why a directory could not be read: `isZip` says whether the file looks like a ZIP at all. */
export interface Unreadable {
  readonly isZip: boolean
  readonly reason: string
}

/** A bundle of a million files has a directory of about 100 MB; more is an attack on memory. */
const maxDirectoryBytes = 256 << 20

/** Reads the directory at the end of a ZIP file, in the few shapes a bundle may have. Everything is bounded by the file's size. */
export async function readDirectory(file: FileHandle, fileSizeBytes: number): Promise<Directory | Unreadable> {
  const isZip = await startsLikeZip(file, fileSizeBytes)
  const at = await directoryStart(file, fileSizeBytes)
  if (at === null)
    return { isZip, reason: 'the last 22 bytes are not the end record of a ZIP file: it was cut off, or bytes follow it' }
  if (at > fileSizeBytes || fileSizeBytes - at > maxDirectoryBytes)
    return { isZip, reason: 'the end record points outside the file' }
  const bytes = await readAt(file, at, fileSizeBytes - at)
  const entries = parseEntries(bytes)
  if (typeof entries === 'string') return { isZip, reason: entries }
  return { entries, at, bytes }
}

/** Exactly `length` bytes from `position`, fewer at the end of the file. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

async function startsLikeZip(file: FileHandle, sizeBytes: number): Promise<boolean> {
  const start = await readAt(file, 0, 4)
  const end = await readAt(file, Math.max(0, sizeBytes - endSizeBytes), endSizeBytes)
  return (
    (start.length === 4 && start.readUInt32LE(0) === signatures.local) ||
    (end.length === endSizeBytes && end.readUInt32LE(0) === signatures.end)
  )
}

async function directoryStart(file: FileHandle, sizeBytes: number): Promise<number | null> {
  if (sizeBytes < endSizeBytes) return null
  const tail = await readAt(file, Math.max(0, sizeBytes - endSizeBytes - 76), endSizeBytes + 76)
  const end = tail.subarray(-endSizeBytes)
  if (end.readUInt32LE(0) !== signatures.end) return null
  const at = end.readUInt32LE(16)
  if (tail.length < endSizeBytes + 76 || tail.readUInt32LE(0) !== signatures.end64) return at
  return Number(tail.readBigUInt64LE(48))
}

function parseEntries(bytes: Buffer): ClaimedEntry[] | string {
  const entries: ClaimedEntry[] = []
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let at = 0
  while (at + 46 <= bytes.length && bytes.readUInt32LE(at) === signatures.central) {
    const nameSize = bytes.readUInt16LE(at + 28)
    const extraSize = bytes.readUInt16LE(at + 30)
    const next = at + 46 + nameSize + extraSize + bytes.readUInt16LE(at + 32)
    if (next > bytes.length) return 'an entry of the directory runs past the end of the file'
    const extra = bytes.subarray(at + 46 + nameSize, at + 46 + nameSize + extraSize)
    const wide = extra.length === 28 && extra.readUInt16LE(0) === 1
    try {
      entries.push({
        path: utf8.decode(bytes.subarray(at + 46, at + 46 + nameSize)),
        crc32: bytes.readUInt32LE(at + 16),
        sizeBytes: wide ? Number(extra.readBigUInt64LE(4)) : bytes.readUInt32LE(at + 24),
        headerAt: wide ? Number(extra.readBigUInt64LE(20)) : bytes.readUInt32LE(at + 42),
      })
    } catch {
      return `the name of entry ${entries.length + 1} is not UTF-8`
    }
    at = next
  }
  return entries.length === 0 ? 'the directory lists no file' : entries
}
