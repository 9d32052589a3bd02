import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline as pipe, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { digestOf } from '../digest.ts'
import type { SignedHead } from '../model.ts'
import { signedHeadIn } from '../signed-head.ts'
import { SourcesError } from './sources-error.ts'

type HeadName = Pick<SignedHead, 'stream' | 'version' | 'previousDigest'>

/** Heads in a folder: `<stream>.jsonl`, one head a line, and the change set of each in `<stream>/<version>.gz`. */
export interface HeadFiles {
  streams(): Promise<readonly string[]>
  heads(stream: string): Promise<readonly SignedHead[]>
  lastVersion(stream: string): Promise<number>
  changes(head: SignedHead): AsyncIterable<Uint8Array>
  write(of: HeadName, changes: AsyncIterable<Uint8Array>, head: () => Promise<SignedHead>): Promise<void>
}

/**
 * Keeps heads in a folder that the owner of the database should not be able to write. What a kept head signs is never written again.
 * @throws {SourcesError} HEADS_NOT_WRITABLE, HEADS_NOT_READABLE, HEADS_CHANGED from its methods
 */
export function openHeadFiles(folder: string): HeadFiles {
  const listOf = (stream: string) => join(folder, `${stream}.jsonl`)
  const linesOf = ({ stream, version }: Pick<SignedHead, 'stream' | 'version'>) =>
    join(folder, stream, `${String(version).padStart(8, '0')}.gz`)
  return {
    async streams() {
      const names = await readdir(folder).catch(error => {
        if (error.code === 'ENOENT') return []
        throw notReadable(folder, error)
      })
      return names.filter(name => name.endsWith('.jsonl')).map(name => name.slice(0, -'.jsonl'.length))
    },
    async lastVersion(stream) {
      return (await this.heads(stream)).at(-1)?.version ?? 0
    },
    async heads(stream) {
      const text = await readFile(listOf(stream), 'utf8').catch(error => {
        if (error.code === 'ENOENT') return ''
        throw notReadable(listOf(stream), error)
      })
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      return whole.split('\n').flatMap((line, i) => {
        if (line === '') return []
        const head = signedHeadIn(line)
        if (head === null) throw changed(listOf(stream), `line ${i + 1} is no head`)
        return [head]
      })
    },
    async *changes(head) {
      const bytes = createGunzip({ chunkSize: 2 ** 18 })
      // an error of either ends the reading of the bytes, and an end of the reading closes the file
      pipe(createReadStream(linesOf(head)), bytes, () => {})
      try {
        yield* bytes as AsyncIterable<Uint8Array>
      } catch (error) {
        const { code = '', message } = error as NodeJS.ErrnoException
        throw code === 'ENOENT' || code.startsWith('Z_')
          ? changed(linesOf(head), message, error)
          : notReadable(linesOf(head), error)
      }
    },
    async write(of, changes, head) {
      try {
        refuseOutOfTurn(of, (await this.heads(of.stream)).at(-1) ?? null)
        await mkdir(dirname(linesOf(of)), { recursive: true })
        await using file = await open(linesOf(of), 'w', 0o644)
        await pipeline(Readable.from(changes), createGzip(), async (parts: AsyncIterable<Buffer>) => {
          for await (const part of parts) await file.writeFile(part)
        })
        await file.sync()
        const line = `${JSON.stringify(await head())}\n`
        await dropTorn(listOf(of.stream))
        await using list = await open(listOf(of.stream), 'a', 0o644)
        await list.appendFile(line)
        await list.sync()
      } catch (error) {
        throw new SourcesError(
          'HEADS_NOT_WRITABLE',
          `the head of ${of.stream} version ${of.version} cannot be written to ${folder}: ${(error as Error).message}`,
          {
            hint: 'check heads.folder, its permissions and its free space; the head is written with the next collection',
            cause: error,
          },
        )
      }
    },
  }
}

/**
 * What stands outside is not written over, and no head follows one that is not before it: so a database that was put back to an earlier
 * state, or another one, leaves the heads of the state that was there alone, also when it has come as far.
 */
export function refuseOutOfTurn({ version, previousDigest }: HeadName, last: SignedHead | null): void {
  const lastVersion = last?.version ?? 0
  if (lastVersion === version - 1 && (last === null ? null : digestOf({ ...last })) === previousDigest) return
  throw new Error(
    `the last head there ${lastVersion === version - 1 ? `is not the one that it follows` : `is of version ${lastVersion}`}: they are of another database, or this one was put back to an earlier state. Run verify-store, and keep those heads and give new ones another place`,
  )
}

/** A power cut may leave the beginning of a line. */
async function dropTorn(path: string): Promise<void> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0))
  const whole = bytes.lastIndexOf(0x0a) + 1
  if (whole < bytes.length) await truncate(path, whole)
}

function notReadable(path: string, cause: unknown): SourcesError {
  return new SourcesError('HEADS_NOT_READABLE', `${path} cannot be read: ${(cause as Error).message}`, {
    hint: 'put back the file from its copy',
    cause,
  })
}

function changed(path: string, why: string, cause?: unknown): SourcesError {
  return new SourcesError('HEADS_CHANGED', `${path} is not as it was written: ${why}`, {
    hint: 'put back the file from its copy, and find out who changed it',
    cause,
  })
}
