import type pg from 'pg'
import { copyHeader } from './copy.ts'

/**
 * Reads the rows of a statement by COPY in binary form, each as it comes: nothing waits between two of them, and no object is made for one.
 * @param select without parameters
 * @param onRow must read what it wants at once: the row is gone when it returns
 * @see https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-COPY one message a row
 */
export async function copyOut(client: pg.ClientBase, select: string, onRow: (row: CopiedRow) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const row = new CopiedRow()
    let isFirst = true
    let failure: unknown = null
    client.query({
      text: select,
      submit: (connection: pg.Connection) => connection.query(`copy (${select}) to stdout (format binary)`),
      handleCopyData({ chunk }: { readonly chunk: Buffer }) {
        if (failure !== null) return
        try {
          const isThere = row.take(chunk, isFirst ? copyHeader.length : 0)
          isFirst = false
          if (isThere) onRow(row)
        } catch (error) {
          failure = error
        }
      },
      handleError: reject,
      handleCommandComplete() {},
      handleReadyForQuery: () => (failure === null ? resolve() : reject(failure)),
    } as pg.Submittable)
  })
}

/** One row in binary form, read field by field in the order of the columns. */
export class CopiedRow {
  #bytes: Buffer = copyHeader
  #at = 0

  /** @returns false at the end of the rows */
  take(bytes: Buffer, from: number): boolean {
    this.#bytes = bytes
    this.#at = from + 2
    return bytes.readInt16BE(from) >= 0
  }

  /** An int4; null is 0. */
  int(): number {
    const length = this.#length()
    if (length < 0) return 0
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  text(): string | null {
    const length = this.#length()
    if (length < 0) return null
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }

  /** A bytea in hexadecimal. */
  hex(): string | null {
    const length = this.#length()
    if (length < 0) return null
    this.#at += length
    return this.#bytes.toString('hex', this.#at - length, this.#at)
  }

  /** A text or bytea as it stands there, until the next row. */
  bytes(): Buffer | null {
    const length = this.#length()
    if (length < 0) return null
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #length(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }
}
