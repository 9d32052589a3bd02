import { digestOf } from '../digest.ts'
import { readPackagedData } from './packaged-catalog.ts'
import { allows, allowsEverything, type Grants } from './policy-reach.ts'
import { joinGaps, Undecided, type Unknown } from './values.ts'

/** A way to more rights than were given: all actions of any one of its alternatives. */
export interface EscalationFamily {
  readonly id: string
  readonly title: string
  readonly anyOf: readonly (readonly string[])[]
  /** it is enough to be allowed them on oneself */
  readonly onOneself?: boolean
  /** whoever may do it administers identity itself: administrator access, whatever roles there are */
  readonly administers?: boolean
}

export interface EscalationFamilies {
  readonly digest: string
  readonly families: readonly EscalationFamily[]
}

/** What an analysis found. `why` is there for `unknown` alone; `titles` hold what is satisfied for certain. */
export interface Escalation {
  readonly kind: 'can_escalate' | 'none' | 'unknown'
  readonly titles: readonly string[]
  readonly why: Unknown | null
}

const action = { type: 'string', pattern: '^[a-z0-9-]+:[A-Za-z0-9]+$' }
const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['families'],
  properties: {
    families: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'title', 'anyOf'],
        properties: {
          id: { type: 'string', pattern: '^[a-z0-9-]+$' },
          title: { type: 'string', minLength: 1 },
          onOneself: { type: 'boolean' },
          administers: { type: 'boolean' },
          anyOf: { type: 'array', minItems: 1, items: { type: 'array', minItems: 1, items: action } },
        },
      },
    },
  },
}

/**
 * Loads `data/escalation.yaml` of the packaged catalog.
 * @throws {ControlsError} CATALOG_UNREADABLE, DATA_INVALID
 */
export function loadEscalation(): EscalationFamilies {
  const value = readPackagedData('escalation.yaml', schema)
  return { digest: digestOf(value), families: (value as unknown as { families: EscalationFamily[] }).families }
}

/** Which families the policies of a principal satisfy. Only actions on every resource of a type and without a limiting condition count. */
export function escalationOf(grants: Grants, { families }: EscalationFamilies): Escalation {
  const isAdmin = allowsEverything(grants)
  if (isAdmin === true) return { kind: 'can_escalate', titles: ['administrator access'], why: null }
  const titles: string[] = []
  const gaps: Unknown[] = isAdmin instanceof Undecided ? [isAdmin] : []
  for (const { title, anyOf, onOneself } of families) {
    const how = onOneself === true ? 'to_oneself' : 'broadly'
    const found = anyOf.map(all => together(all.map(each => allows(grants, each.toLowerCase(), how))))
    if (found.includes(true)) titles.push(title)
    else for (const each of found) if (each instanceof Undecided) gaps.push(each)
  }
  if (titles.length > 0) return { kind: 'can_escalate', titles, why: null }
  if (gaps.length > 0) return { kind: 'unknown', titles, why: gaps.reduce(joinGaps) }
  return { kind: 'none', titles, why: null }
}

function together(values: readonly (boolean | Unknown)[]): boolean | Unknown {
  if (values.includes(false)) return false
  const gaps = values.filter(value => value instanceof Undecided)
  return gaps.length === 0 ? true : gaps.reduce(joinGaps)
}
