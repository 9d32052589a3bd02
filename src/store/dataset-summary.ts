import { compareBytes, setDigest } from '../digest.ts'
import type { CollectionPlan, Coverage, DatasetSummary, Place } from '../model.ts'
import { countKey, datasetCountKey } from './calls.ts'
import type { Connection } from './database.ts'
import type { PartOutcome } from './part-outcome.ts'
import { seenAt } from './versions.ts'

/** Count and digest of what a snapshot shows of one dataset in one place. */
export interface Population {
  readonly dataset: string
  readonly place: Place
  readonly count: number
  readonly digest: string
}

/** The digest of no row at all. */
const emptyDigest = setDigest([])

/**
 * Counts and digests, computed from the version rows. A dataset's digest is the `setDigest` of one leaf per row, and the leaf is the
 * digest of the canonical JSON `[key, parent, digest of the row]`: so facts cannot change places between two keys unnoticed.
 */
export async function populationsOf(on: Pick<Connection, 'query'>, sourceId: number, version: number): Promise<Population[]> {
  const rows = await on.query<PopulationRow>(
    `select d.name as dataset, l.account_id, l.region, count(*)::int as count,
       sha256(convert_to(string_agg(encode(r.leaf, 'hex') || E'\\n', '' order by r.leaf), 'UTF8')) as digest
     from (
       select p.dataset_id, p.place_id, sha256(convert_to(
         '[' || to_json(r.key)::text || ',' || to_json(p.parent)::text || ',"' || encode(r.digest, 'hex') || '"]', 'UTF8')) as leaf
       from (${seenRows}) r join part p on p.id = r.part_id
     ) r join dataset d on d.id = r.dataset_id join place l on l.id = r.place_id
     group by d.name, l.account_id, l.region`,
    [sourceId, version],
  )
  return rows.map(populationIn)
}

/** A dataset in one place of which the snapshot that is being sealed shows something else than the one before. */
export interface TouchedDataset {
  readonly dataset: string
  readonly place: Place
  readonly datasetId: number
  readonly placeId: number
}

/**
 * The same for the snapshot that is being sealed. A dataset of which no row begins, ends, or goes out of or into sight with it is what it
 * was in the snapshot before, and is not read again.
 * @param count counts and digests of the others, from their rows
 */
export async function populationsOfNext(
  on: Pick<Connection, 'query'>,
  sourceId: number,
  version: number,
  count: (touched: readonly TouchedDataset[]) => Promise<Population[]>,
): Promise<Population[]> {
  const rows = await on.query<TouchedRow>(touchedDatasets, [sourceId, version])
  const touched = rows.map((row): TouchedDataset => {
    const place = { accountId: row.account_id, region: row.region }
    return { dataset: row.dataset, place, datasetId: row.dataset_id, placeId: row.place_id }
  })
  const kept = await on.query<PopulationRow>(
    `select d.name as dataset, l.account_id, l.region, y.count, y.digest
     from dataset_summary y join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id
     where y.source_id = $1 and y.version = $2::int - 1 and y.count > 0
       and (y.dataset_id, y.place_id) not in (select * from unnest($3::int[], $4::int[]))`,
    [sourceId, version, touched.map(each => each.datasetId), touched.map(each => each.placeId)],
  )
  return [...kept.map(populationIn), ...(touched.length === 0 ? [] : await count(touched))]
}

interface TouchedRow {
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly dataset_id: number
  readonly place_id: number
}

interface PopulationRow {
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly count: number
  readonly digest: Buffer
}

function populationIn(row: PopulationRow): Population {
  return {
    dataset: row.dataset,
    place: { accountId: row.account_id, region: row.region },
    count: row.count,
    digest: row.digest.toString('hex'),
  }
}

/** Datasets and places of source $1 in which anything differs between snapshot $2 and the one before. */
const touchedDatasets = `
  select t.dataset_id, t.place_id, d.name as dataset, l.account_id, l.region from (
  select distinct p.dataset_id, p.place_id from (
    ${['entity_version', 'membership_version', 'assignment_version', 'membership_unseen', 'assignment_unseen']
      .flatMap(table => [
        `select part_id from ${table} where source_id = $1 and from_version = $2`,
        `select part_id from ${table} where source_id = $1 and to_version = $2 and to_version < 2147483647`,
      ])
      .join(' union all ')}
  ) t join part p on p.id = t.part_id
  union
  select e.dataset_id, e.place_id from entity_unseen u join entity e on e.id = u.entity_id
  where u.source_id = $1 and (u.from_version = $2 or u.to_version = $2)
  ) t join dataset d on d.id = t.dataset_id join place l on l.id = t.place_id`

/** Every row that snapshot $2 of source $1 shows: part, key, digest. */
const seenRows = `
  select v.part_id, k.key, v.digest
  from entity_version v join entity e on e.id = v.entity_id join resource_key k on k.id = e.key_id
  where v.source_id = $1 and ${seenAt('entity', '$2')}
  union all
  select v.part_id, p.parent || '|' || k.key, v.digest
  from membership_version v join part p on p.id = v.part_id join resource_key k on k.id = v.user_id
  where v.source_id = $1 and ${seenAt('membership', '$2')}
  union all
  select v.part_id, p.parent || '|' || case v.principal_type when 1 then 'USER' else 'GROUP' end || '|' || k.key, v.digest
  from assignment_version v join part p on p.id = v.part_id join resource_key k on k.id = v.principal_id
  where v.source_id = $1 and ${seenAt('assignment', '$2')}`

/**
 * One summary per dataset and place, planned or read, sorted by name and place. What was planned and has no part at all is incomplete:
 * nothing says that there is nothing.
 * @param staged rows that were staged, by `${dataset} ${accountId} ${region}`; those that stand once although two parts showed them are duplicates
 * @param calls by `countKey`
 */
export function summarise(
  plan: CollectionPlan,
  outcomes: readonly PartOutcome[],
  populations: readonly Population[],
  staged: ReadonlyMap<string, number>,
  calls: ReadonlyMap<string, number>,
): DatasetSummary[] {
  const found = new Map(populations.map(each => [datasetKey(each.dataset, each.place), each]))
  const byDataset = new Map<string, { name: string; place: Place; its: PartOutcome[] }>()
  for (const { dataset, place } of plan.steps) byDataset.set(datasetKey(dataset, place), { name: dataset, place, its: [] })
  for (const outcome of outcomes) {
    const { dataset, place } = outcome
    const known = byDataset.get(datasetKey(dataset, place))
    if (known === undefined) byDataset.set(datasetKey(dataset, place), { name: dataset, place, its: [outcome] })
    else known.its.push(outcome)
  }
  const summaries = [...byDataset].map(([key, { name, place, its }]): DatasetSummary => {
    const count = found.get(key)?.count ?? 0
    const { coverage, reason } = rollUp(its)
    return {
      name,
      place,
      coverage,
      count,
      digest: found.get(key)?.digest ?? emptyDigest,
      parts: countOf(its),
      openParts: countOf(its.filter(isOpen)),
      pages: sum(its, outcome => outcome.pages),
      calls: callsOf(name, place, plan, calls),
      duplicates: sum(its, outcome => outcome.duplicates) + Math.max(0, (staged.get(key) ?? 0) - count),
      firstObservedAt: extreme(its, outcome => outcome.firstObservedAt, Math.min),
      lastObservedAt: extreme(its, outcome => outcome.lastObservedAt, Math.max),
      reason,
    }
  })
  return summaries.sort(inOrder)
}

/** By dataset name, then account, then Region, as UTF-8 bytes. */
export function inOrder(a: DatasetSummary, b: DatasetSummary): number {
  return (
    compareBytes(a.name, b.name) ||
    compareBytes(a.place.accountId, b.place.accountId) ||
    compareBytes(a.place.region, b.place.region)
  )
}

export function datasetKey(dataset: string, place: Place): string {
  return `${dataset} ${place.accountId} ${place.region}`
}

/** That a feature is switched off is an answer: nothing is left open by it. */
export function isOpen({ coverage }: { readonly coverage: Coverage }): boolean {
  return coverage !== 'complete' && coverage !== 'complete_with_changes' && coverage !== 'not_enabled'
}

/**
 * Coverage of a dataset from its parts. Parts that do not apply count only when no other part does; parts that were all refused are
 * `denied`; what was read in part is `incomplete`, and so is what AWS called switched off in one part and answered in another.
 */
function rollUp(outcomes: readonly PartOutcome[]): { coverage: Coverage; reason: string | null } {
  if (outcomes.length === 0) return { coverage: 'incomplete', reason: 'it was planned, and no part of it was read' }
  const silent: readonly Coverage[] = ['not_applicable', 'not_enabled']
  const applying = outcomes.filter(outcome => !silent.includes(outcome.coverage))
  if (applying.length === 0) return { coverage: outcomes[0]!.coverage, reason: reasonOf(outcomes, outcomes) }
  const open = applying.filter(isOpen)
  const off = outcomes.filter(outcome => outcome.coverage === 'not_enabled')
  if (open.length === 0 && off.length > 0 && applying.some(outcome => outcome.coverage === 'complete'))
    return { coverage: 'incomplete', reason: reasonOf(off, outcomes) }
  if (open.length === 0) {
    const changed = applying.filter(outcome => outcome.coverage === 'complete_with_changes')
    return changed.length === 0
      ? { coverage: 'complete', reason: null }
      : { coverage: 'complete_with_changes', reason: reasonOf(changed, applying) }
  }
  const coverage = open[0]!.coverage
  const isAllTheSame = open.length === applying.length && open.every(outcome => outcome.coverage === coverage)
  return { coverage: isAllTheSame ? coverage : 'incomplete', reason: reasonOf(open, applying) }
}

/** The most frequent reason, and for how many parts one stands. */
function reasonOf(outcomes: readonly PartOutcome[], among: readonly PartOutcome[]): string | null {
  const counts = new Map<string, number>()
  for (const { reason, parts } of outcomes) if (reason !== null) counts.set(reason, (counts.get(reason) ?? 0) + parts)
  const [most] = [...counts].sort((a, b) => b[1] - a[1] || compareBytes(a[0], b[0]))
  const all = countOf(among)
  if (all === 1) return most?.[0] ?? null
  const share = `${countOf(outcomes)} of ${all} parts`
  if (most === undefined) return share
  if (counts.size === 1) return `${share}: ${most[0]}`
  return `${share}: ${most[0]} (and ${counts.size === 2 ? 'another reason' : `${counts.size - 1} other reasons`})`
}

function countOf(outcomes: readonly PartOutcome[]): number {
  return sum(outcomes, outcome => outcome.parts)
}

/** Calls that were made for a dataset at a place; of those that name none, the ones of the operations that the plan names for it. */
function callsOf(dataset: string, place: Place, plan: CollectionPlan, calls: ReadonlyMap<string, number>): number {
  const steps = plan.steps.filter(step => step.dataset === dataset && datasetKey('', step.place) === datasetKey('', place))
  const keys = new Set(steps.map(step => countKey(step.action.split(':')[0]!, step.operation, step.place)))
  return sum([datasetCountKey(dataset, place), ...keys], key => calls.get(key) ?? 0)
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

function extreme(
  outcomes: readonly PartOutcome[],
  time: (outcome: PartOutcome) => Date | null,
  pick: (...times: number[]) => number,
): Date | null {
  return outcomes.reduce<Date | null>((best, outcome) => {
    const at = time(outcome)
    if (at === null || best === null) return best ?? at
    return new Date(pick(best.getTime(), at.getTime()))
  }, null)
}
