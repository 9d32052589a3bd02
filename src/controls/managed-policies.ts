import { digestOf } from '../digest.ts'
import { type AccessLevels, loadAccessLevels } from './access-level.ts'
import { type EscalationFamilies, loadEscalation } from './escalation.ts'
import { readPackagedData } from './packaged-catalog.ts'

/**
 * What the document of an AWS managed policy means. `full_access`: an Allow statement of every action, or NotAction alone, on every
 * resource; `privileged`: administers identity itself (the catalog's list); `denies_everything`: allows nothing beside it; `limited`: none of these.
 */
export type ManagedPolicyMeaning = 'full_access' | 'privileged' | 'denies_everything' | 'limited'

/** Reference data about AWS managed policies, by name, with the digest that stands in the catalog's. */
export interface ManagedPolicies {
  readonly digest: string
  /** when and from what the list was made, in words */
  readonly origin: string
  /** ways to more rights than were given; covered by the digest */
  readonly escalation: EscalationFamilies
  /** what actions do; covered by the digest */
  readonly accessLevels: AccessLevels
  /** undefined for a policy that is not in the list, and for an ARN that is not AWS's */
  meaningOf(arn: string): ManagedPolicyMeaning | undefined
  /** what it allows broadly of the actions that administer identity; empty for most */
  identityActionsOf(arn: string): readonly string[]
}

const names = { type: 'array', items: { type: 'string', pattern: '^[A-Za-z0-9+=,.@_-]+$' }, uniqueItems: true }
const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['source', 'madeAt', 'fullAccess', 'privileged', 'deniesEverything', 'identityActions', 'limited'],
  properties: {
    source: { type: 'string' },
    madeAt: { type: 'string' },
    fullAccess: names,
    privileged: names,
    deniesEverything: names,
    identityActions: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
    limited: names,
  },
}

interface Listed {
  readonly source: string
  readonly madeAt: string
  readonly fullAccess: readonly string[]
  readonly privileged: readonly string[]
  readonly deniesEverything: readonly string[]
  readonly identityActions: { readonly [name: string]: readonly string[] }
  readonly limited: readonly string[]
}

/**
 * Loads `data/aws-managed-policies.yaml`, `data/escalation.yaml` and `data/access-levels.yaml` of the packaged catalog.
 * @throws {ControlsError} CATALOG_UNREADABLE, DATA_INVALID
 */
export function loadManagedPolicies(): ManagedPolicies {
  const value = readPackagedData('aws-managed-policies.yaml', schema)
  const listed = value as unknown as Listed
  const meanings = new Map<string, ManagedPolicyMeaning>()
  for (const name of listed.limited) meanings.set(name, 'limited')
  for (const name of listed.privileged) meanings.set(name, 'privileged')
  for (const name of listed.fullAccess) meanings.set(name, 'full_access')
  for (const name of listed.deniesEverything) meanings.set(name, 'denies_everything')
  const escalation = loadEscalation()
  const accessLevels = loadAccessLevels()
  return {
    digest: digestOf({ managedPolicies: value, escalation: escalation.digest, accessLevels: accessLevels.digest }),
    escalation,
    accessLevels,
    origin: `${listed.source}, made ${listed.madeAt}`,
    meaningOf: arn => meanings.get(nameOf(arn) ?? ''),
    identityActionsOf: arn => listed.identityActions[nameOf(arn) ?? ''] ?? [],
  }
}

/** The name of a policy that AWS manages. */
function nameOf(arn: string): string | undefined {
  return /^arn:[a-z-]+:iam::aws:policy\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1]
}
