import type { Gap } from '../model.ts'
import type { GapIndex } from './gap-index.ts'
import { Unknown } from './values.ts'

/** Gaps that the estate finds by itself in what was read. Each is one object, however often it is met. */
export class OwnGaps {
  readonly #gaps: GapIndex
  readonly #made = new Map<string, Unknown>()

  constructor(gaps: GapIndex) {
    this.#gaps = gaps
  }

  /** A gap for a member that must be there and is not. No permission would help. */
  notSent(dataset: string, key: string, member: string): Unknown {
    return this.once({ ...this.#gaps.absent(dataset, '', 'not_sent', `AWS did not send ${member} of ${key}`, key), member })
  }

  /** A gap for an answer that is not what AWS documents. */
  invalid(dataset: string, key: string, message: string): Unknown {
    return this.once({ ...this.#gaps.absent(dataset, '', 'invalid_answer', message, key), action: null })
  }

  once(gap: Gap): Unknown {
    const name = `${gap.dataset} ${gap.key} ${gap.member} ${gap.message}`
    let unknown = this.#made.get(name)
    if (unknown === undefined) {
      unknown = new Unknown([gap])
      this.#made.set(name, unknown)
    }
    return unknown
  }
}
