import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { compareBytes, sha256 } from '../digest.ts'
import { isPlainPath } from './artifact-path.ts'
import { compareContainer } from './container.ts'
import { EvidenceError, systemCode } from './evidence-error.ts'
import type { KeyRecord } from './keys.ts'
import { type BundleFile, type Manifest, optionalNames, readManifest, sealNames, unlistedNames } from './manifest.ts'
import type { Problem } from './problem.ts'
import { refusedByList } from './published-keys.ts'
import { rowCounter } from './row-counter.ts'
import { checkSeal } from './seal-check.ts'
import { checkTimestamp, type Timestamp } from './timestamp.ts'
import { localHeaderSizeBytes } from './zip-layout.ts'
import { type ClaimedEntry, readAt, readDirectory } from './zip-reader.ts'

/** What was found in a bundle. */
export interface Verification {
  /** true only when there is no problem at all. Without a given key it says that the bundle is whole, not who made it */
  readonly ok: boolean
  readonly problems: readonly Problem[]
  /** of the key the signature was checked with; null when there was none */
  readonly fingerprint: string | null
  readonly signedBy: 'given key' | 'published key' | 'key in bundle (compare the fingerprint)'
  /** the signed manifest; what an unsigned or altered one says when `ok` is false */
  readonly manifest: Manifest | null
  /** SHA-256 of manifest.json as signed */
  readonly manifestDigest: string | null
  readonly files: readonly BundleFile[]
  /** when it was signed at the latest, as an authority says; null: the bundle holds no timestamp that is good */
  readonly timestamp: Timestamp | null
}

/** Files of the seal are read into memory; 64 MiB is a manifest of some 200,000 files. */
const maxSealBytes = 64 << 20

/**
 * Checks a bundle offline: the signature over the manifest, every file against the manifest, and every byte of the ZIP container
 * against the one container these files can have. Any changed byte is found and the file it belongs to is named. Big files are streamed.
 * @param options.key public key in PEM that must have signed it; without it the key inside is used, which proves only that nothing changed since
 * @param options.keys keys the signer has published: it must be one of them, and not be revoked
 * @param options.authorities certificates (PEM) of time-stamp authorities that are trusted; without them a timestamp is checked and trusted in nothing
 * @throws {EvidenceError} BUNDLE_NOT_FOUND, BUNDLE_NOT_READABLE, KEY_INVALID (the given key); anything wrong inside is a problem, not an error
 */
export async function verifyBundle(
  path: string,
  options: { readonly key?: string; readonly keys?: readonly KeyRecord[]; readonly authorities?: readonly string[] } = {},
): Promise<Verification> {
  try {
    await using file = await open(path, 'r')
    const verification = await verifyFile(file, options.key ?? null, options.authorities ?? [])
    if (options.keys === undefined || verification.fingerprint === null) return verification
    const { timestamp } = verification
    const signedBy = timestamp?.isTrusted === true ? timestamp.at : null
    const problem = refusedByList(options.keys, verification.fingerprint, signedBy)
    const problems = problem === null ? verification.problems : [...verification.problems, problem]
    return { ...verification, ok: problems.length === 0, problems, signedBy: 'published key' }
  } catch (cause) {
    const code = systemCode(cause)
    if (code === null || cause instanceof EvidenceError) throw cause
    const missing = code === 'ENOENT'
    throw new EvidenceError(
      missing ? 'BUNDLE_NOT_FOUND' : 'BUNDLE_NOT_READABLE',
      `the bundle ${path} cannot be read: ${(cause as Error).message}`,
      {
        hint: missing ? 'check the path' : 'check the permissions and the disk',
        cause,
      },
    )
  }
}

async function verifyFile(file: FileHandle, givenKey: string | null, authorities: readonly string[]): Promise<Verification> {
  const { size } = await file.stat()
  const directory = await readDirectory(file, size)
  if ('reason' in directory) {
    const code = directory.isZip ? 'CONTAINER_ALTERED' : 'NOT_A_BUNDLE'
    return nothingRead(givenKey, { code, file: 'container', message: directory.reason })
  }
  const orderProblem = findOrderProblem(directory.entries, size)
  if (orderProblem !== null) return nothingRead(givenKey, orderProblem)

  const entries = new Map(directory.entries.map(entry => [entry.path, entry]))
  const sealBytes = new Map<string, Uint8Array>()
  for (const name of unlistedNames) {
    const entry = entries.get(name)
    if (entry !== undefined && entry.sizeBytes <= maxSealBytes)
      sealBytes.set(name, await readAt(file, dataStart(entry), entry.sizeBytes))
  }
  if (!sealBytes.has(sealNames.manifest) && !sealBytes.has(sealNames.envelope)) {
    const message = 'it holds neither manifest.json nor manifest.dsse.json'
    return nothingRead(givenKey, { code: 'NOT_A_BUNDLE', file: 'container', message })
  }

  const seal = checkSeal(sealBytes, givenKey)
  const read = seal.payload === null ? null : readManifest(seal.payload)
  const problems: Problem[] = [...seal.problems]
  if (read === null) {
    const message = 'it is not a manifest that this version of the program understands'
    problems.push({ code: 'MANIFEST_INVALID', file: sealNames.manifest, message })
  }
  const listed = new Map((read?.files ?? []).map(entry => [entry.path, entry]))
  const sums = new Map<string, number>()
  for (const entry of directory.entries) {
    const seen = await readEntry(file, entry, listed.get(entry.path)?.mediaType ?? '')
    sums.set(entry.path, seen.crc32)
    const problem = compareEntry(entry, seen, listed.get(entry.path) ?? null)
    if (problem !== null) problems.push(problem)
  }
  for (const name of [...listed.keys(), ...unlistedNames]) {
    if (!entries.has(name) && !optionalNames.has(name))
      problems.push({ code: 'FILE_MISSING', file: name, message: 'the manifest needs it, the bundle does not hold it' })
  }
  const named = new Set(problems.map(problem => problem.file))
  const containerProblem = await compareContainer(file, size, directory, path =>
    named.has(path) ? null : (sums.get(path) ?? null),
  )
  if (containerProblem !== null) problems.push(containerProblem)

  const timestamp = timestampOf(sealBytes, authorities)
  if (timestamp !== null && 'reason' in timestamp)
    problems.push({ code: 'TIMESTAMP_INVALID', file: sealNames.timestamp, message: timestamp.reason })
  return {
    ok: problems.length === 0,
    problems,
    timestamp: timestamp === null || 'reason' in timestamp ? null : timestamp,
    fingerprint: seal.fingerprint,
    signedBy: givenKey === null ? 'key in bundle (compare the fingerprint)' : 'given key',
    manifest: read?.manifest ?? null,
    manifestDigest: seal.payload === null ? null : sha256(seal.payload),
    files: read?.files ?? [],
  }
}

function timestampOf(
  seal: ReadonlyMap<string, Uint8Array>,
  authorities: readonly string[],
): ReturnType<typeof checkTimestamp> | null {
  const answer = seal.get(sealNames.timestamp)
  const signature = seal.get(sealNames.signature)
  return answer === undefined || signature === undefined ? null : checkTimestamp(answer, signature, authorities)
}

/** Duplicates and another order are refused before anything is read: with them, two tools could see two different bundles. */
function findOrderProblem(entries: readonly ClaimedEntry[], fileSizeBytes: number): Problem | null {
  let previous: string | null = null
  let total = 0
  for (const { path, sizeBytes, headerAt } of entries) {
    if (!isPlainPath(path))
      return { code: 'CONTAINER_ALTERED', file: 'container', message: `it lists a file with the path ${JSON.stringify(path)}` }
    if (previous === path) return { code: 'CONTAINER_ALTERED', file: path, message: 'the container lists it twice' }
    if (previous !== null && compareBytes(previous, path) > 0) {
      return {
        code: 'CONTAINER_ALTERED',
        file: 'container',
        message: `${path} is listed after ${previous}: the files were put in another order`,
      }
    }
    previous = path
    total += sizeBytes
    if (headerAt + localHeaderSizeBytes + sizeBytes > fileSizeBytes || total > fileSizeBytes) {
      return { code: 'CONTAINER_ALTERED', file: 'container', message: `the directory places ${path} outside the file` }
    }
  }
  return null
}

/** Where the data must begin. What the local header says of it is compared later, not believed. */
function dataStart(entry: ClaimedEntry): number {
  return entry.headerAt + localHeaderSizeBytes + Buffer.byteLength(entry.path)
}

interface SeenBytes {
  readonly sha256: string
  readonly crc32: number
  readonly sizeBytes: number
  readonly rows: number | null
}

async function readEntry(file: FileHandle, entry: ClaimedEntry, mediaType: string): Promise<SeenBytes> {
  const hash = createHash('sha256')
  const rows = rowCounter(mediaType)
  const buffer = Buffer.allocUnsafe(Math.min(1 << 20, Math.max(1, entry.sizeBytes)))
  const start = dataStart(entry)
  let done = 0
  let crc = 0
  while (done < entry.sizeBytes) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, entry.sizeBytes - done), start + done)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    rows.add(chunk)
    crc = crc32(chunk, crc)
    done += bytesRead
  }
  return { sha256: hash.digest('hex'), crc32: crc, sizeBytes: done, rows: rows.end() }
}

function compareEntry(entry: ClaimedEntry, seen: SeenBytes, expected: BundleFile | null): Problem | null {
  const file = entry.path
  if (expected === null) {
    if (unlistedNames.has(file)) return null
    return { code: 'FILE_UNLISTED', file, message: 'the bundle holds it, the manifest does not list it' }
  }
  if (seen.sha256 !== expected.sha256) {
    return {
      code: 'DIGEST_MISMATCH',
      file,
      message: `found SHA-256 ${seen.sha256}, expected ${expected.sha256}: its bytes were changed`,
    }
  }
  if (seen.sizeBytes !== expected.sizeBytes) {
    return { code: 'DIGEST_MISMATCH', file, message: `found ${seen.sizeBytes} bytes, expected ${expected.sizeBytes}` }
  }
  if (seen.rows === expected.rows) return null
  return { code: 'ROWS_MISMATCH', file, message: `found ${seen.rows} rows, the manifest says ${expected.rows}` }
}

function nothingRead(givenKey: string | null, problem: Problem): Verification {
  return {
    ok: false,
    problems: [problem],
    fingerprint: null,
    signedBy: givenKey === null ? 'key in bundle (compare the fingerprint)' : 'given key',
    manifest: null,
    manifestDigest: null,
    timestamp: null,
    files: [],
  }
}
