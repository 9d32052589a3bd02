import type { FileHandle } from 'node:fs/promises'
import type { Problem } from './problem.ts'
import { centralRecord, descriptor, endRecord, layOut, localHeader, type ZipEntry } from './zip-layout.ts'
import { type ClaimedEntry, type Directory, readAt } from './zip-reader.ts'

/**
 * Rebuilds every byte of the container that is not a file's content, and compares. Together with the digests of the contents
 * nothing in the file is left unchecked.
 * @param crcOf CRC-32 of the content as it was read; null where the content is known to be altered, then the claimed one is taken,
 * so that a changed file is not reported a second time as a changed container
 */
export async function compareContainer(
  file: FileHandle,
  fileSizeBytes: number,
  directory: Directory,
  crcOf: (path: string) => number | null,
): Promise<Problem | null> {
  const entries = layOut(directory.entries.map((entry: ClaimedEntry) => ({ ...entry, crc32: crcOf(entry.path) ?? entry.crc32 })))
  for (const entry of entries) {
    const problem = (await compareAt(file, entry.headerAt, localHeader(entry), entry)) ?? (await compareAfterData(file, entry))
    if (problem !== null) return problem
  }
  const last = entries.at(-1)
  const directoryAt = last === undefined ? 0 : last.dataAt + last.sizeBytes + descriptor(last).length
  const records = Buffer.concat(entries.map(centralRecord))
  const expected = Buffer.concat([records, endRecord(entries.length, directoryAt, records.length)])
  if (directory.at !== directoryAt) return altered(`its directory begins at byte ${directory.at}, expected ${directoryAt}`)
  if (!expected.equals(directory.bytes))
    return altered(`its directory differs from byte ${directoryAt + firstDifference(expected, directory.bytes)} on`)
  if (fileSizeBytes !== directoryAt + expected.length)
    return altered(`found ${fileSizeBytes} bytes, expected ${directoryAt + expected.length}`)
  return null
}

async function compareAfterData(file: FileHandle, entry: ZipEntry): Promise<Problem | null> {
  return compareAt(file, entry.dataAt + entry.sizeBytes, descriptor(entry), entry)
}

async function compareAt(file: FileHandle, at: number, expected: Buffer, entry: ZipEntry): Promise<Problem | null> {
  const found = await readAt(file, at, expected.length)
  if (found.equals(expected)) return null
  return altered(`the header of ${entry.path} differs at byte ${at + firstDifference(expected, found)}`)
}

function altered(what: string): Problem {
  return { code: 'CONTAINER_ALTERED', file: 'container', message: `${what}; the files inside are judged on their own` }
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}
