import type { EstateRows, Gap, Subject } from '../model.ts'
import { AccountAssignment, ApplicationAssignment } from './assignments.ts'
import { historyOf } from './changes.ts'
import { ControlsError } from './controls-error.ts'
import { datasets } from './datasets.ts'
import type { Entity } from './entity.ts'
import { isPerAccount } from './gap-index.ts'
import { loadManagedPolicies, type ManagedPolicies } from './managed-policies.ts'
import { Past } from './past.ts'
import type { PopulationName } from './populations.ts'
import { resourceTypes } from './schema.ts'
import { SourceEstate } from './source-estate.ts'

/** The linked view of everything that is judged: one part for each source, which do not mix. */
export interface Estate {
  readonly asOf: Date
  readonly sources: readonly SourceEstate[]
}

/**
 * Links the rows of an instant, source by source, as they stream in (any order, none kept twice).
 * @param managed what AWS managed policies mean; the packaged list by default
 * @throws {ControlsError} CATALOG_UNREADABLE or DATA_INVALID when that list cannot be loaded
 */
export async function buildEstate(rows: EstateRows, managed: ManagedPolicies = loadManagedPolicies()): Promise<Estate> {
  const sources: SourceEstate[] = []
  for (const { snapshot, resources, edges, history, kept = null } of rows.sources) {
    const past = history === undefined ? null : await Past.read(history)
    const source = new SourceEstate(snapshot, managed, rows.imports, {
      past,
      kept,
      exceptions: rows.exceptions ?? null,
      asOf: rows.asOf,
      clock: rows.clock ?? null,
    })
    for await (const row of resources) source.add(row)
    if (edges !== undefined) for await (const each of edges) source.takeEdges(each)
    source.link()
    sources.push(source)
  }
  return { asOf: rows.asOf, sources }
}

/** The members of a population, from 0 to `size` in the byte order of their keys. */
export interface Population extends Members {
  /** the gaps that may hide members, by dataset; empty when the population is proven complete */
  readonly unread: ReadonlyMap<string, readonly Gap[]>
}

interface Members {
  readonly size: number
  at(index: number): Entity
  /** The key of a member, without making it. */
  keyAt(index: number): string
  /** Whether JSON writes every key as it is, between quotation marks; false when nobody looked. */
  readonly hasPlainKeys: boolean
}

/** Every member of a population. */
export function* membersOf({ size, at }: Members): Iterable<Entity> {
  for (let index = 0; index < size; index++) yield at(index)
}

/** @throws {ControlsError} UNKNOWN_RESOURCE */
export function population(source: SourceEstate, resource: string): Population {
  const type = resourceTypes[resource]
  if (type === undefined) {
    throw new ControlsError('UNKNOWN_RESOURCE', `no resource type ${resource}`, {
      hint: `one of ${Object.keys(resourceTypes).join(', ')}`,
    })
  }
  const unread = new Map<string, readonly Gap[]>()
  for (const dataset of type.populations) {
    const gaps = isPerAccount(dataset) ? source.iam.unread(dataset) : unreadOf(source, dataset)
    if (gaps.length > 0) unread.set(dataset, gaps)
  }
  for (const [dataset, gaps] of resource in historyOf ? (source.changes?.unread(resource) ?? []) : []) {
    unread.set(dataset, [...(unread.get(dataset) ?? []), ...gaps])
  }
  return { ...members(source, resource), unread }
}

function members(source: SourceEstate, resource: string): Members {
  if (resource === 'entitlement' && source.gaps.whole('import.reviews') === undefined) {
    const { entitlements } = source
    const { size, hasPlainKeys } = entitlements
    return { size, at: index => entitlements.at(index), keyAt: index => entitlements.keyAt(index), hasPlainKeys }
  }
  if (resource === 'assignment' || resource === 'accountAssignment') {
    const { accountAssignments: columns } = source
    const rows = resource === 'assignment' ? source.populations.assignments() : source.populations.order(resource)
    // rows of application assignments are those below 0
    const at = (row: number) => (row < 0 ? source.applicationAssignment(-1 - row) : source.accountAssignment(row))
    const keyAt = (row: number) => (row < 0 ? source.applicationAssignment(-1 - row).key : columns.key(row))
    const others = [source.applicationAssignments, source.applications]
    const hasPlainKeys = columns.hasPlainKeys && (resource === 'accountAssignment' || others.every(each => each.hasPlainKeys))
    return { size: rows.length, at: index => at(rows[index]!), keyAt: index => keyAt(rows[index]!), hasPlainKeys }
  }
  const others = resource === 'entitlement' ? [] : source.populations.members(resource)
  if (others !== undefined) {
    return { size: others.length, at: index => others[index]!, keyAt: index => others[index]!.key, hasPlainKeys: false }
  }
  const name = resource as Exclude<PopulationName, 'accountAssignment'>
  const order = source.populations.order(name)
  const at = (index: number) => source[name](order[index]!)
  return { size: order.length, at, keyAt: index => at(index).key, hasPlainKeys: false }
}

/**
 * Every subject of a resource type in one source, sorted by key (`compareBytes`), so that implied statuses can be spelled out.
 * Results about a dataset are not among them: they always have a row of their own.
 * @param source label
 * @throws {ControlsError} UNKNOWN_SOURCE, UNKNOWN_RESOURCE
 */
export function* populationOf(estate: Estate, source: string, resource: string): Iterable<Subject> {
  const found = estate.sources.find(each => each.source === source)
  if (found === undefined) {
    const known = estate.sources.map(each => each.source).join(', ')
    throw new ControlsError('UNKNOWN_SOURCE', `the estate holds no source ${source}`, { hint: `it holds ${known || 'none'}` })
  }
  for (const member of membersOf(population(found, resource))) yield subjectOf(found, resource, member)
}

export function subjectOf(source: SourceEstate, resource: string, member: Entity): Subject {
  return { kind: 'resource', source: source.source, type: resource, key: member.key, name: nameOf(member) }
}

function nameOf(member: Entity): string {
  if (member instanceof AccountAssignment || member instanceof ApplicationAssignment) {
    const principal = member.principalName
    const name = typeof principal === 'string' ? principal : `${member.PrincipalType} ${member.PrincipalId}`
    return `${name} as ${member.targetName}`
  }
  const name = (member as Entity & { readonly name: unknown }).name
  return typeof name === 'string' ? name : member.key
}

/** Everything that may hide members of a population: gaps of the dataset and of those that say which parts it has. */
function unreadOf(source: SourceEstate, dataset: string): readonly Gap[] {
  const names = [...(datasets[dataset]?.parents ?? []), dataset]
  const unread = names.filter(name => source.gaps.hidesRows(name))
  return unread.flatMap(name => [
    ...(source.gaps.whole(name)?.gaps ?? []),
    ...[...source.gaps.parts(name).values()].flatMap(gap => gap.gaps),
    ...(name === dataset ? rowGaps(source, name) : []),
  ])
}

/** Rows that are known by their key alone hide no member where the key makes one; of a link they hide whom it links, of an import whom it names. */
function rowGaps(source: SourceEstate, dataset: string): readonly Gap[] {
  const isLink = dataset === 'sso.account_assignments' || dataset === 'sso.application_assignments'
  return isLink || dataset.startsWith('import.') ? [...source.gaps.rows(dataset).values()].flatMap(gap => gap.gaps) : []
}
