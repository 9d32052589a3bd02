import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline as pipe, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { SignedHead } from '../model.ts'
import { SourcesError } from './sources-error.ts'

/** Heads in a folder: `<stream>.jsonl`, one head a line, and the change set of each in `<stream>/<version>.gz`. */
export interface HeadFiles {
  heads(stream: string): Promise<readonly SignedHead[]>
  lastVersion(stream: string): Promise<number>
  changes(head: SignedHead): AsyncIterable<Uint8Array>
  write(head: SignedHead, lines: AsyncIterable<string>): Promise<void>
}

/**
 * Keeps heads in a folder that the owner of the database should not be able to write. What a kept head signs is never written again.
 * @throws {SourcesError} HEADS_NOT_WRITABLE, HEADS_NOT_READABLE from its methods
 */
export function openHeadFiles(folder: string): HeadFiles {
  const listOf = (stream: string) => join(folder, `${stream}.jsonl`)
  const linesOf = ({ stream, version }: SignedHead) => join(folder, stream, `${String(version).padStart(8, '0')}.gz`)
  return {
    async lastVersion(stream) {
      return (await this.heads(stream)).at(-1)?.version ?? 0
    },
    async heads(stream) {
      const text = await readFile(listOf(stream), 'utf8').catch(error => {
        if (error.code === 'ENOENT') return ''
        throw notReadable(listOf(stream), error)
      })
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      try {
        return whole
          .split('\n')
          .filter(line => line !== '')
          .map(line => JSON.parse(line) as SignedHead)
      } catch (error) {
        throw notReadable(listOf(stream), error)
      }
    },
    async *changes(head) {
      const bytes = createGunzip({ chunkSize: 2 ** 18 })
      // an error of either ends the reading of the bytes, and an end of the reading closes the file
      pipe(createReadStream(linesOf(head)), bytes, () => {})
      try {
        yield* bytes as AsyncIterable<Uint8Array>
      } catch (error) {
        throw notReadable(linesOf(head), error)
      }
    },
    async write(head, lines) {
      try {
        await mkdir(dirname(linesOf(head)), { recursive: true })
        await using file = await open(linesOf(head), 'w', 0o644)
        await pipeline(Readable.from(chunked(lines)), createGzip(), async (parts: AsyncIterable<Buffer>) => {
          for await (const part of parts) await file.writeFile(part)
        })
        await file.sync()
        await dropTorn(listOf(head.stream))
        await using list = await open(listOf(head.stream), 'a', 0o644)
        await list.appendFile(`${JSON.stringify(head)}\n`)
        await list.sync()
      } catch (error) {
        throw new SourcesError(
          'HEADS_NOT_WRITABLE',
          `the head of ${head.stream} version ${head.version} cannot be written to ${folder}: ${(error as Error).message}`,
          {
            hint: 'check heads.folder, its permissions and its free space; the head is written with the next collection',
            cause: error,
          },
        )
      }
    },
  }
}

/** A power cut may leave the beginning of a line. */
async function dropTorn(path: string): Promise<void> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0))
  const whole = bytes.lastIndexOf(0x0a) + 1
  if (whole < bytes.length) await truncate(path, whole)
}

/** Lines in pieces of some size: one at a time is slow. */
async function* chunked(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let text = ''
  for await (const line of lines) {
    text += `${line}\n`
    if (text.length < 65_536) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}

function notReadable(path: string, cause: unknown): SourcesError {
  return new SourcesError('HEADS_NOT_READABLE', `${path} cannot be read: ${(cause as Error).message}`, {
    hint: 'put back the file from its copy',
    cause,
  })
}
