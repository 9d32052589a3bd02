import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file without a name, for what a process has to put aside: it is gone with the process. */
export class SpillFile implements Disposable {
  /** opened when it is needed; null: it cannot be */
  #file: number | null | undefined
  #end = 0

  /** @returns where the bytes stand from then on; null where nothing can be put aside */
  write(bytes: Buffer): number | null {
    this.#file = this.#file === undefined ? openUnnamed() : this.#file
    if (this.#file === null) return null
    const at = this.#end
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done, bytes.length - done, at + done)
    } catch {
      // a full disk: what was written before can still be read
      return null
    }
    this.#end += bytes.length
    return at
  }

  read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const read = readSync(this.#file!, bytes, done, length - done, at + done)
      if (read === 0) throw new Error('what was put aside in a temporary file is not there any more')
      done += read
    }
    return bytes
  }

  [Symbol.dispose](): void {
    if (typeof this.#file === 'number') closeSync(this.#file)
    this.#file = null
  }
}

function openUnnamed(): number | null {
  const path = join(tmpdir(), `evidenced-${randomUUID()}`)
  try {
    const file = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
    return file
  } catch {
    return null
  }
}
