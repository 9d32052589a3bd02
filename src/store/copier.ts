import { setImmediate as turn } from 'node:timers/promises'
import { CopyRows } from './copy-rows.ts'
import type { Connection } from './database.ts'

interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: CopyRows
}

/** Bytes of one table that are gathered before they are sent: memory of a mebibyte need not grow for a few rows more. */
const chunkBytes = (1 << 20) - (1 << 16)
/** Rows are made for so long before the socket gets its turn. */
const turnMs = 1

/**
 * Fills several tables over one connection, while the caller goes on making rows. The connection is the caller's own again
 * after `idle`.
 */
export class Copier {
  readonly #on: Connection
  readonly #tables: Table[] = []
  readonly #spares: Buffer[] = []
  #sending: Promise<void> = Promise.resolve()
  #turnedAt = 0

  constructor(on: Connection) {
    this.#on = on
  }

  /** @returns where to write the rows of a table, field by field in the order of the columns */
  table(name: string, columns: readonly string[]): CopyRows {
    const rows = new CopyRows(columns.length, this.#spares)
    this.#tables.push({ name, columns, rows })
    return rows
  }

  /**
   * Sends what has gathered; waits only for what was sent before. To be called every few rows: the socket takes a fifth of what is sent at a
   * time, and the server would sit idle until we look at it again.
   */
  async pass(): Promise<void> {
    for (const table of this.#tables) if (table.rows.bytes >= chunkBytes) await this.#send(table)
    if (performance.now() - this.#turnedAt < turnMs) return
    await turn()
    this.#turnedAt = performance.now()
  }

  /** Sends everything and waits for it. */
  async idle(): Promise<void> {
    for (const table of this.#tables) if (!table.rows.isEmpty) await this.#send(table)
    await this.#sending
    this.#spares.length = 0
  }

  async #send({ name, columns, rows }: Table): Promise<void> {
    await this.#sending
    const bytes = rows.take()
    this.#sending = this.#on.copyBytes(name, columns, bytes).then(() => void this.#spares.push(Buffer.from(bytes.buffer)))
    this.#sending.catch(() => {})
  }
}
