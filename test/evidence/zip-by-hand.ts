import { crc32 } from 'node:zlib'

/** One stored file. `dataAt` is where its bytes begin in the archive it was read from. */
export interface HandEntry {
  readonly path: string
  readonly data: Buffer
}

/** Reads a small archive that is whole. */
export function entriesOf(zip: Buffer): (HandEntry & { readonly dataAt: number })[] {
  const directoryAt = zip.readUInt32LE(zip.length - 6)
  const entries = []
  let at = directoryAt
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const nameSize = zip.readUInt16LE(at + 28)
    const headerAt = zip.readUInt32LE(at + 42)
    const dataAt = headerAt + 30 + zip.readUInt16LE(headerAt + 26)
    const path = zip.subarray(at + 46, at + 46 + nameSize).toString()
    entries.push({ path, dataAt, data: zip.subarray(dataAt, dataAt + zip.readUInt32LE(at + 24)) })
    at += 46 + nameSize
  }
  return entries
}

/** Writes entries in the order given, in the one layout of a bundle: what a forger would do who knows the format. */
export function zipOf(entries: readonly HandEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { path, data } of entries) {
    const name = Buffer.from(path)
    const sums = Buffer.alloc(12)
    sums.writeUInt32LE(crc32(data), 0)
    sums.writeUInt32LE(data.length, 4)
    sums.writeUInt32LE(data.length, 8)
    const nameSize = Buffer.from([name.length & 255, name.length >> 8])
    const offset = Buffer.alloc(4)
    offset.writeUInt32LE(at, 0)
    const common = Buffer.from('140008080000000021' + '5c', 'hex')
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), common, Buffer.alloc(12), nameSize, Buffer.alloc(2), name])
    const descriptor = Buffer.concat([Buffer.from('504b0708', 'hex'), sums])
    const attributes = Buffer.from('0000a481', 'hex')
    directory.push(
      Buffer.concat([Buffer.from('504b01023f03', 'hex'), common, sums, nameSize, Buffer.alloc(8), attributes, offset, name]),
    )
    parts.push(local, data, descriptor)
    at += local.length + data.length + descriptor.length
  }
  const records = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('504b0506', 'hex')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(records.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, records, end])
}
