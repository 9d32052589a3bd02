import type { PartPiece } from '../model.ts'
import type { Dataset } from './dataset.ts'
import { Lanes } from './lanes.ts'
import { readPart } from './part.ts'
import type { Session } from './session.ts'
import { isSuddenDrop } from './sudden-drop.ts'

const sideBySide = 8

interface Shrunk {
  readonly session: Session
  readonly dataset: Dataset
  readonly before: number
  readonly rows: number
}

/**
 * Lists of IAM that are judged account by account are held against the last time in sum too: where every account has few users, none of them can
 * lose enough for one account's list to be doubted, and yet half of all may be gone.
 */
export class AccountDrops {
  readonly #before: Session['baseline']
  readonly #emit: (piece: PartPiece) => Promise<void>
  /** rows of parts under way, by dataset and account */
  readonly #open = new Map<string, number>()
  /** of accounts that were read to their end and had been before, by dataset */
  readonly #sums = new Map<string, { before: number; rows: number }>()
  readonly #shrunk: Shrunk[] = []

  constructor(home: Session, emit: (piece: PartPiece) => Promise<void>) {
    this.#before = home.baseline
    this.#emit = emit
  }

  /** Takes what was read of an account; lists that are no population are passed over. */
  note(session: Session, datasets: ReadonlyMap<string, Dataset>, { part, isFirst, rows, end }: PartPiece): void {
    const dataset = datasets.get(part.dataset)
    if (dataset?.isPopulation !== 'per_account' || part.parent !== '') return
    const name = `${part.dataset} ${session.accountId}`
    const shown = (isFirst ? 0 : (this.#open.get(name) ?? 0)) + rows.length
    if (end === null) {
      this.#open.set(name, shown)
      return
    }
    this.#open.delete(name)
    const before = this.#before[name]
    if (end.coverage !== 'complete' || before === undefined) return
    const sum = this.#sums.get(part.dataset) ?? { before: 0, rows: 0 }
    this.#sums.set(part.dataset, { before: sum.before + before, rows: sum.rows + shown })
    if (shown < before) this.#shrunk.push({ session, dataset, before, rows: shown })
  }

  /** Lists again what shrank, where all of it together is too much to be believed; what shows fewer rows again stays open. */
  async settle(): Promise<void> {
    const lanes = new Lanes()
    for (const { session, dataset, before } of this.#shrunk) {
      const sum = this.#sums.get(dataset.name)!
      if (!isSuddenDrop(sum.rows, sum.before)) continue
      const reading = { session, dataset, parent: '', held: before, emit: this.#emit }
      lanes.add('accounts', sideBySide, async () => void (await readPart(reading)))
    }
    await lanes.finished()
  }
}
