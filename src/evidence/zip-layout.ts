/**
 * The one ZIP layout a bundle may have: stored entries in byte order of their paths, each with a data descriptor, fixed times and
 * attributes, no comments, nothing between or after. So the container is a function of its contents and can be rebuilt and compared.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT 4.3 and 4.5.3
 */

/** Where one entry lies. `dataAt` is the offset of its first byte of data. */
export interface ZipEntry {
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
  readonly headerAt: number
  readonly dataAt: number
}

export const endSizeBytes = 22
export const localHeaderSizeBytes = 30
/** 1 January 2026, 00:00:00 */
const dosDate = ((2026 - 1980) << 9) | (1 << 5) | 1
/** a regular file, rw-r--r-- */
const fileMode = 0o100644

export const signatures = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
}

const utf8NameAndDescriptor = (1 << 11) | (1 << 3)
/** made on Unix by version 6.3 of the format */
const madeBy = (3 << 8) | 63
const needs = 20
const needsZip64 = 45
const max32 = 0xffffffff

/** Lays entries out from offset 0, in the given order. */
export function layOut(files: readonly { path: string; sizeBytes: number; crc32: number }[]): ZipEntry[] {
  let at = 0
  return files.map(file => {
    const headerAt = at
    const dataAt = headerAt + localHeaderSizeBytes + Buffer.byteLength(file.path)
    const entry = { ...file, headerAt, dataAt }
    at = dataAt + file.sizeBytes + descriptor(entry).length
    return entry
  })
}

export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.path)
  const header = Buffer.alloc(localHeaderSizeBytes)
  header.writeUInt32LE(signatures.local, 0)
  header.writeUInt16LE(needs, 4)
  header.writeUInt16LE(utf8NameAndDescriptor, 6)
  header.writeUInt16LE(dosDate, 12)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, name])
}

export function descriptor(entry: ZipEntry): Buffer {
  const wide = isZip64(entry)
  const bytes = Buffer.alloc(wide ? 24 : 16)
  bytes.writeUInt32LE(signatures.descriptor, 0)
  bytes.writeUInt32LE(entry.crc32, 4)
  if (wide) {
    bytes.writeBigUInt64LE(BigInt(entry.sizeBytes), 8)
    bytes.writeBigUInt64LE(BigInt(entry.sizeBytes), 16)
  } else {
    bytes.writeUInt32LE(entry.sizeBytes, 8)
    bytes.writeUInt32LE(entry.sizeBytes, 12)
  }
  return bytes
}

export function centralRecord(entry: ZipEntry): Buffer {
  const wide = isZip64(entry)
  const name = Buffer.from(entry.path)
  const record = Buffer.alloc(46)
  record.writeUInt32LE(signatures.central, 0)
  record.writeUInt16LE(madeBy, 4)
  record.writeUInt16LE(wide ? needsZip64 : needs, 6)
  record.writeUInt16LE(utf8NameAndDescriptor, 8)
  record.writeUInt16LE(dosDate, 14)
  record.writeUInt32LE(entry.crc32, 16)
  record.writeUInt32LE(wide ? max32 : entry.sizeBytes, 20)
  record.writeUInt32LE(wide ? max32 : entry.sizeBytes, 24)
  record.writeUInt16LE(name.length, 28)
  record.writeUInt16LE(wide ? 28 : 0, 30)
  record.writeUInt32LE((fileMode << 16) >>> 0, 38)
  record.writeUInt32LE(wide ? max32 : entry.headerAt, 42)
  if (!wide) return Buffer.concat([record, name])
  const extra = Buffer.alloc(28)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(24, 2)
  extra.writeBigUInt64LE(BigInt(entry.sizeBytes), 4)
  extra.writeBigUInt64LE(BigInt(entry.sizeBytes), 12)
  extra.writeBigUInt64LE(BigInt(entry.headerAt), 20)
  return Buffer.concat([record, name, extra])
}

/** The end of central directory record, with its ZIP64 forms in front where the format needs them. */
export function endRecord(entries: number, directoryAt: number, directorySizeBytes: number): Buffer {
  const wide = entries >= 0xffff || directoryAt >= max32 || directorySizeBytes >= max32
  const end = Buffer.alloc(endSizeBytes)
  end.writeUInt32LE(signatures.end, 0)
  end.writeUInt16LE(Math.min(entries, 0xffff), 8)
  end.writeUInt16LE(Math.min(entries, 0xffff), 10)
  end.writeUInt32LE(Math.min(directorySizeBytes, max32), 12)
  end.writeUInt32LE(Math.min(directoryAt, max32), 16)
  if (!wide) return end
  const end64 = Buffer.alloc(56)
  end64.writeUInt32LE(signatures.end64, 0)
  end64.writeBigUInt64LE(44n, 4)
  end64.writeUInt16LE(madeBy, 12)
  end64.writeUInt16LE(needsZip64, 14)
  end64.writeBigUInt64LE(BigInt(entries), 24)
  end64.writeBigUInt64LE(BigInt(entries), 32)
  end64.writeBigUInt64LE(BigInt(directorySizeBytes), 40)
  end64.writeBigUInt64LE(BigInt(directoryAt), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(signatures.locator64, 0)
  locator.writeBigUInt64LE(BigInt(directoryAt + directorySizeBytes), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end64, locator, end])
}

function isZip64(entry: ZipEntry): boolean {
  return entry.sizeBytes > max32 - 1 || entry.headerAt > max32 - 1
}
