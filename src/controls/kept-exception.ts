import { isSamePerson } from '../exception.ts'
import type { Exception } from '../model.ts'
import { endOf } from './approvals.ts'
import { Entity, type Surroundings } from './entity.ts'

/** An exception of the register: what stands beside fails for a time. */
export class KeptException extends Entity {
  readonly key: string
  readonly #exception: Exception

  constructor(estate: Surroundings, exception: Exception) {
    super(estate, 0)
    this.key = exception.id
    this.#exception = exception
  }

  get typeName(): string {
    return 'KeptException'
  }
  get name(): string {
    return `exception ${this.key}`
  }
  get controls(): readonly string[] {
    return this.#exception.controls
  }
  get isScoped(): boolean {
    const { subjects, match, when } = this.#exception.scope
    const chooses = (patterns: readonly string[]) => !patterns.some(pattern => /^\*+$/.test(pattern.trim()))
    return subjects !== null || Object.values(match ?? {}).some(chooses) || (when !== null && when.trim() !== 'true')
  }
  get isRevoked(): boolean {
    return this.#exception.revokedAt !== null
  }
  get owner(): string {
    return this.#exception.requestedBy
  }
  get approver(): string | null {
    return this.#exception.approvedBy
  }
  /** By the one who asked for it, however the name is spelled. */
  get isSelfApproved(): boolean {
    const { approvedBy, requestedBy } = this.#exception
    return approvedBy !== null && isSamePerson(approvedBy, requestedBy)
  }
  get reason(): string {
    return this.#exception.reason.trim()
  }
  get expiresAt(): Date {
    return endOf(this.#exception.expiresAt)
  }
  get approvedAt(): Date | null {
    const { approvedAt } = this.#exception
    return approvedAt === null ? null : endOf(approvedAt)
  }
  /** Days from the approval to the expiry; from the request where the approval has no date. */
  get days(): number {
    const from = this.#exception.approvedAt ?? this.#exception.requestedAt
    return from === null ? Number.POSITIVE_INFINITY : (this.expiresAt.getTime() - new Date(from).getTime()) / 86_400_000
  }
}
