import { open } from 'node:fs/promises'
import { EvidenceError } from './evidence-error.ts'
import { localHeaderSizeBytes } from './zip-layout.ts'
import { readDirectory } from './zip-reader.ts'

/**
 * Bytes of one file of a bundle, in pieces. It checks nothing: call `verifyBundle` first.
 * @throws {EvidenceError} BUNDLE_NOT_READABLE when the bundle does not hold it
 */
export async function* readBundleFile(path: string, name: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const directory = await readDirectory(file, size)
  const entry = 'reason' in directory ? undefined : directory.entries.find(each => each.path === name)
  if (entry === undefined) {
    throw new EvidenceError('BUNDLE_NOT_READABLE', `the bundle ${path} holds no ${name}`, {
      hint: 'it was issued by another version, or it is no bundle; see `evidenced verify`',
    })
  }
  const start = entry.headerAt + localHeaderSizeBytes + Buffer.byteLength(name)
  for (let done = 0; done < entry.sizeBytes; ) {
    const buffer = Buffer.alloc(Math.min(1 << 18, entry.sizeBytes - done))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start + done)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    done += bytesRead
  }
}

/** Lines of a text file of a bundle, without their line feeds. @throws like `readBundleFile` */
export async function* readBundleLines(path: string, name: string): AsyncGenerator<string> {
  const utf8 = new TextDecoder()
  let rest = ''
  for await (const chunk of readBundleFile(path, name)) {
    const lines = (rest + utf8.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest
}
