import { compareBytes } from '../digest.ts'
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
  for (const { snapshot, resources, history, kept = null } of rows.sources) {
    const past = history === undefined ? null : await Past.read(history)
    const source = new SourceEstate(snapshot, managed, rows.imports, {
      past,
      kept,
      exceptions: rows.exceptions ?? null,
      asOf: rows.asOf,
    })
    for await (const row of resources) source.add(row)
    source.link()
    sources.push(source)
  }
  return { asOf: rows.asOf, sources }
}

/** The members of a population one by one, in the byte order of their keys. */
export interface Population {
  readonly size: number
  /** the gaps that may hide members, by dataset; empty when the population is proven complete */
  readonly unread: ReadonlyMap<string, readonly Gap[]>
  members(): Iterable<Entity>
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
  if (resource === 'entitlement') {
    if (source.gaps.whole('import.reviews') !== undefined) return { size: 0, unread, members: () => [] }
    return { size: source.entitlements.size, unread, members: () => source.entitlements.members() }
  }
  if (resource === 'assignment') {
    const rows = source.populations.assignments()
    return { size: rows.length, unread, members: () => assignments(source, rows) }
  }
  const others = source.populations.members(resource)
  if (others !== undefined) {
    const sorted = [...others].sort((a, b) => compareBytes(a.key, b.key))
    return { size: sorted.length, unread, members: () => sorted }
  }
  const order = source.populations.order(resource as PopulationName)
  return { size: order.length, unread, members: () => one(source, resource as PopulationName, order) }
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
  for (const member of population(found, resource).members()) yield subjectOf(found, resource, member)
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

function* one(source: SourceEstate, name: PopulationName, order: Int32Array): Iterable<Entity> {
  for (const number of order) yield source[name](number)
}

function* assignments(source: SourceEstate, rows: Int32Array): Iterable<Entity> {
  for (const row of rows) yield row < 0 ? source.applicationAssignment(-1 - row) : source.accountAssignment(row)
}
