import type { Source } from '../model.ts'
import type { Budget } from './budget.ts'
import { Governor } from './governor.ts'
import { serviceNamed } from './services.ts'

/** The governors of one session, one for each budget. */
export class Governors {
  readonly #budget: Budget
  readonly #source: Source
  readonly #limits: ReadonlyMap<string, number>
  readonly #made = new Map<string, Governor>()
  #closed: { readonly reason: unknown } | null = null

  constructor(budget: Budget, source: Source) {
    this.#budget = budget
    this.#source = source
    this.#limits = limitsOf(source)
  }

  /** @param scope whose budget it is: the organization, or the account while none is known */
  of(scope: string, key: string, documentedRate: number): Governor {
    const name = `${scope}/${key}`
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const governor = new Governor(this.#budget, name, this.rate(key, documentedRate))
    this.#made.set(name, governor)
    if (this.#closed !== null) governor.close(this.#closed.reason)
    return governor
  }

  /** Calls a second that the source may make of a budget. */
  rate(key: string, documentedRate: number): number {
    return this.#limits.get(key) ?? documentedRate * this.#source.budgetShare
  }

  close(reason: unknown): void {
    this.#closed ??= { reason }
    for (const governor of this.#made.values()) governor.close(reason)
  }
}

/** Configured calls a second by budget: of operations that share one, the smallest. */
function limitsOf({ rateLimits }: Source): ReadonlyMap<string, number> {
  const limits = new Map<string, number>()
  for (const [name, perSecond] of Object.entries(rateLimits)) {
    const [service = '', operation] = name.split('.')
    const key = operation === undefined ? name : serviceNamed(service).budgetKey(operation)
    limits.set(key, Math.min(perSecond, limits.get(key) ?? perSecond))
  }
  return limits
}
