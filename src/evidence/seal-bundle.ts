import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { compareBytes, sha256 } from '../digest.ts'
import type { Artifact, Progress } from '../model.ts'
import { checkArtifactPaths } from './artifact-path.ts'
import { envelopeBytes, preAuthEncoding } from './envelope.ts'
import { EvidenceError, systemCode } from './evidence-error.ts'
import { type BundleFile, type BundleSubject, manifestBytes, sealNames } from './manifest.ts'
import { readmeBytes } from './readme.ts'
import { rowCounter } from './row-counter.ts'
import { type Signer, syncFolder } from './signer.ts'
import { stamp, type Timestamper } from './timestamp.ts'
import { writeZip } from './zip-writer.ts'

/** What was sealed. */
export interface SealedBundle {
  /** SHA-256 of manifest.json: the same for the same subject and artifacts, whoever signs */
  readonly manifestDigest: string
  readonly sizeBytes: number
  /** sorted by path; the files of the seal itself are not among them */
  readonly files: readonly BundleFile[]
}

/**
 * Writes artifacts, manifest and signature into one ZIP file. It is written beside its final name, flushed to the disk and renamed:
 * the final name never shows half a file, and an older file of that name stays until then. Each artifact is read once; memory stays
 * small whatever their size, disk space is needed twice while it is made.
 * @param options.path final name; its folder must exist
 * @param options.onProgress told after each file; `total` is null while artifacts still come
 * @throws {EvidenceError} TIMESTAMP_REFUSED, DISK_FULL, BUNDLE_NOT_WRITABLE, ARTIFACT_PATH_INVALID; an error of an artifact's `read` comes through as it is
 */
export async function sealBundle(options: {
  readonly artifacts: AsyncIterable<Artifact> | readonly Artifact[]
  readonly subject: BundleSubject
  readonly signer: Signer
  /** left out: no timestamp */
  readonly timestamper?: Timestamper
  readonly path: string
  readonly onProgress?: (progress: Progress) => void
}): Promise<SealedBundle> {
  const path = resolve(options.path)
  try {
    return await sealIn(await mkdtemp(join(dirname(path), `.${basename(path)}.partial-`)), path, options)
  } catch (error) {
    throw asEvidenceError(error, path)
  }
}

interface StagedFile {
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
  /** where its bytes lie until they are in the ZIP */
  readonly at: string
}

async function sealIn(folder: string, path: string, options: Parameters<typeof sealBundle>[0]): Promise<SealedBundle> {
  try {
    const report = options.onProgress ?? (() => {})
    const { files, staged } = await stageArtifacts(folder, options.artifacts, report)
    const seal = await sealFiles(options.subject, files, options.signer, options.timestamper ?? null)
    for (const [name, bytes] of seal.added) staged.push(await stageBytes(folder, name, bytes))
    staged.sort((a, b) => compareBytes(a.path, b.path))
    const draft = join(folder, 'bundle.zip')
    await writeZip(draft, staged, (done, path) => report({ phase: 'seal', done, total: staged.length, detail: path }))
    const { size } = await stat(draft)
    await rename(draft, path)
    await syncFolder(dirname(path))
    return { manifestDigest: seal.manifestDigest, sizeBytes: size, files: seal.listed }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Artifacts that are made at the same time: while one waits for the database or the disk, the other goes on. */
const atATime = 2

async function stageArtifacts(
  folder: string,
  artifacts: AsyncIterable<Artifact> | readonly Artifact[],
  report: (progress: Progress) => void,
): Promise<{ files: BundleFile[]; staged: StagedFile[] }> {
  const files: BundleFile[] = []
  const staged: StagedFile[] = []
  const total = Array.isArray(artifacts) ? artifacts.length : null
  const check = checkArtifactPaths()
  let began = 0
  let failed = false
  async function* each() {
    yield* artifacts
  }
  const rest = each()
  async function work(): Promise<void> {
    for (let next = await rest.next(); next.done !== true && !failed; next = await rest.next()) {
      const artifact = next.value
      check(artifact.path)
      const { file, crc32: crc, at } = await stageArtifact(artifact, join(folder, String(began++)))
      files.push(file)
      staged.push({ path: file.path, sizeBytes: file.sizeBytes, crc32: crc, at })
      report({ phase: 'files', done: files.length, total, detail: artifact.path })
    }
  }
  // nobody may write into the folder any more when it is removed
  const ends = await Promise.allSettled(
    Array.from({ length: atATime }, () =>
      work().catch(error => {
        failed = true
        throw error
      }),
    ),
  )
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return { files: files.sort((a, b) => compareBytes(a.path, b.path)), staged }
}

async function stageArtifact(artifact: Artifact, at: string): Promise<{ file: BundleFile; crc32: number; at: string }> {
  const sum = createHash('sha256')
  const rows = rowCounter(artifact.mediaType)
  let sizeBytes = 0
  let crc = 0
  async function* watched() {
    for await (const chunk of readArtifact(artifact)) {
      sum.update(chunk)
      crc = crc32(chunk, crc)
      rows.add(chunk)
      sizeBytes += chunk.length
      yield chunk
    }
  }
  // room for several chunks, so that the next is made while one is written
  await pipeline(watched, createWriteStream(at, { highWaterMark: 1 << 20 }))
  const { path, mediaType, title } = artifact
  return { file: { path, sha256: sum.digest('hex'), sizeBytes, mediaType, title, rows: rows.end() }, crc32: crc, at }
}

/** Keeps apart what went wrong in an artifact from what went wrong on our disk: both may be system errors. */
class ArtifactFailure extends Error {}

async function* readArtifact(artifact: Artifact): AsyncGenerator<Uint8Array> {
  try {
    yield* artifact.read()
  } catch (cause) {
    throw new ArtifactFailure(artifact.path, { cause })
  }
}

async function stageBytes(folder: string, name: string, bytes: Uint8Array): Promise<StagedFile> {
  const at = join(folder, `seal-${name}`)
  await pipeline([bytes], createWriteStream(at))
  return { path: name, sizeBytes: bytes.length, crc32: crc32(bytes), at }
}

/** README and SHA256SUMS, then the manifest over all of them, then the signature over the manifest, then the timestamp over the signature. */
async function sealFiles(subject: BundleSubject, files: readonly BundleFile[], signer: Signer, timestamper: Timestamper | null) {
  const readme = fileOf(sealNames.readme, readmeBytes(subject, files), 'What this bundle is and how to verify it')
  const summed = [...files, readme.file].sort((a, b) => compareBytes(a.path, b.path))
  const lines = summed.map(file => `${file.sha256}  ${file.path}\n`).join('')
  const sums = fileOf(sealNames.sums, Buffer.from(lines), 'SHA-256 of every file, as sha256sum reads it')
  const listed = [...summed, sums.file].sort((a, b) => compareBytes(a.path, b.path))
  const manifest = manifestBytes(subject, listed)
  const pae = preAuthEncoding(manifest)
  const signature = await signer.sign(pae)
  const added: [string, Uint8Array][] = [
    [sealNames.readme, readme.bytes],
    [sealNames.sums, sums.bytes],
    [sealNames.manifest, manifest],
    [sealNames.pae, pae],
    [sealNames.signature, signature],
    [sealNames.envelope, envelopeBytes(manifest, signature, signer.fingerprint)],
    [sealNames.key, Buffer.from(signer.publicKeyPem)],
  ]
  // over the signature, so that it proves when the manifest was signed
  if (timestamper !== null) added.push([sealNames.timestamp, await stamp(timestamper, signature)])
  return { listed, added, manifestDigest: sha256(manifest) }
}

function fileOf(path: string, bytes: Uint8Array, title: string): { file: BundleFile; bytes: Uint8Array } {
  const file = { path, sha256: sha256(bytes), sizeBytes: bytes.length, mediaType: 'text/plain; charset=utf-8', title, rows: null }
  return { file, bytes }
}

function asEvidenceError(error: unknown, path: string): unknown {
  if (error instanceof ArtifactFailure) return error.cause
  const code = systemCode(error)
  const hint = 'free space in its folder, or choose another folder; nothing was left behind'
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new EvidenceError('DISK_FULL', `the disk is full: ${path} was not written`, { hint, cause: error })
  }
  if (code !== null && /^E(NOENT|ACCES|PERM|ROFS|NOTDIR|ISDIR|IO|BUSY|NAMETOOLONG)$/.test(code)) {
    return new EvidenceError('BUNDLE_NOT_WRITABLE', `the bundle ${path} cannot be written: ${(error as Error).message}`, {
      hint: 'name a file in a folder that exists and that this user may write',
      cause: error,
    })
  }
  return error
}
