import type { Gap } from '../model.ts'
import type { Estate } from './estate.ts'
import { Undecided } from './values.ts'

/** What policy analysis says of one permission set, in every account it is provisioned to. */
export interface Classification {
  readonly source: string
  readonly permissionSetArn: string
  readonly name: string
  readonly classification: 'admin' | 'none' | 'unknown'
  /** in words: the policy that makes it admin, what proves that it is not, or what could not be read */
  readonly reason: string
  /** what stands in the way, for `unknown` */
  readonly gaps: readonly Gap[]
}

/**
 * Classifies every permission set of an estate, sorted by source and ARN. Admin-equivalent means: policies that allow every action (or
 * NotAction alone) on every resource without a limiting condition, or that administer identity itself. Only proven restrictions lower it
 * (an explicit Deny, a boundary known to let neither through); only proven absence gives `none`.
 */
export function* classify(estate: Estate): Iterable<Classification> {
  for (const source of estate.sources) {
    for (const number of source.populations.order('permissionSet')) {
      const set = source.permissionSet(number)
      const { kind, reason, why } = source.policies.classify(number)
      const name = set.Name instanceof Undecided ? set.key : set.Name
      yield { source: source.source, permissionSetArn: set.key, name, classification: kind, reason, gaps: why?.gaps ?? [] }
    }
  }
}
