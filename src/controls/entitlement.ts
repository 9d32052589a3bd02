import { Entity, type List, type Surroundings } from './entity.ts'
import type { Reviewed, Reviews } from './reviews.ts'
import type { Since, Unknown } from './values.ts'

/** What entitlements ask of the estate. */
export interface EntitlementSurroundings extends Surroundings {
  readonly reviews: Reviews
}

/** What makes an entitlement: read when it is asked for. */
export interface EntitlementParts {
  readonly thing: Reviewed
  readonly name: () => string
  readonly since: () => Since
  readonly isPrivileged: () => boolean | Unknown
}

/** Something that a reviewer decides about: the membership of a user in a group that is assigned something, or an account assignment. */
export class Entitlement extends Entity {
  declare readonly estate: EntitlementSurroundings
  readonly key: string
  readonly kind: 'membership' | 'assignment'
  readonly #parts: EntitlementParts
  #decided: { readonly decisions: List; readonly ambiguous: boolean } | null = null

  constructor(estate: EntitlementSurroundings, kind: 'membership' | 'assignment', key: string, parts: EntitlementParts) {
    super(estate, 0)
    this.kind = kind
    this.key = `${kind}|${key}`
    this.#parts = parts
  }

  get typeName(): string {
    return 'Entitlement'
  }
  get name(): string {
    return this.#parts.name()
  }
  get since(): Since {
    return this.#parts.since()
  }
  get isPrivileged(): boolean | Unknown {
    return this.#parts.isPrivileged()
  }
  get decisions(): List {
    return this.#found.decisions
  }
  get hasAmbiguousDecision(): boolean {
    return this.#found.ambiguous
  }

  get #found() {
    this.#decided ??= this.estate.reviews.of(this.#parts.thing)
    return this.#decided
  }
}
