import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'
import { makeFolder } from '../folder.ts'
import type { Artifact } from '../model.ts'

export class OutputError extends AppError<'DISK_FULL' | 'FILE_NOT_WRITABLE' | 'FILE_EXISTS'> {}

/**
 * Writes an artifact under its final name, whole or not at all.
 * @throws {OutputError} DISK_FULL, FILE_NOT_WRITABLE
 */
export async function writeArtifact(artifact: Artifact, folder: string, name: string): Promise<string> {
  const path = join(folder, name)
  const draft = `${path}.partial-${process.pid}`
  try {
    await makeFolder(folder)
    await pipeline(artifact.read(), createWriteStream(draft, { flush: true, highWaterMark: 1 << 20 }))
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new OutputError('DISK_FULL', `the disk is full: ${path} was not written`, {
        cause,
        hint: 'free space, or name another folder with --out',
      })
    if (code !== undefined && /^E(ACCES|PERM|ROFS|NOTDIR|ISDIR|NOENT|IO|EXIST)$/.test(code)) {
      throw new OutputError('FILE_NOT_WRITABLE', `cannot write ${path}: ${(cause as Error).message}`, {
        cause,
        hint: 'name a folder that this user may write with --out',
      })
    }
    throw cause
  }
  return path
}

/** Makes the folder a file shall lie in. @throws {OutputError} FILE_NOT_WRITABLE */
export async function folderFor(folder: string): Promise<void> {
  try {
    await makeFolder(folder)
  } catch (cause) {
    throw new OutputError('FILE_NOT_WRITABLE', `cannot make the folder ${folder}: ${(cause as Error).message}`, {
      cause,
      hint: 'name another one with --out',
    })
  }
}
