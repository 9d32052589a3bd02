import { type Connection, transaction } from './database.ts'
import {
  type Choice,
  choose,
  chooseFindings,
  chooseImports,
  chooseResults,
  chooseVersions,
  type Disposal,
  dispose,
  lockForDisposal,
} from './disposal.ts'
import { type Hold, holdText, standingHolds } from './hold.ts'
import { findPersonRows, type PersonRows } from './person.ts'
import { labelsOf, type SourcesByLabel, sourcesByLabel } from './source-labels.ts'
import type { Store } from './store.ts'

/** How long bodies are kept. */
export interface RetentionRule {
  /** null: for ever */
  readonly days: number | null
  /** what asks for it, for people */
  readonly because: string
}

/** How long what is kept. */
export interface RetentionRules {
  of(source: string): RetentionRule
  /** of imported files, which belong to no source */
  readonly imports: RetentionRule
}

/** What retention does, or would do, with one source, or with the imported files. */
export interface RetentionStep extends Disposal {
  /** label; null for the imported files */
  readonly source: string | null
  readonly rule: RetentionRule
  /** null when everything is kept; the last state at this time is kept too */
  readonly cutoff: Date | null
  /** the oldest snapshot that stays whole; null when everything is kept, or nothing is that old */
  readonly keptFromVersion: number | null
  /** holds that keep something of it, in words */
  readonly heldBy: readonly string[]
  /** of the ledger; null when nothing was disposed of */
  readonly ledgerPosition: number | null
}

/** What `runRetention` would do now; nothing is removed. */
export async function previewRetention(store: Store, rules: RetentionRules): Promise<readonly RetentionStep[]> {
  return eachStep(store, rules, async on => {
    await on.execute('delete from disposal_choice')
    return null
  })
}

/**
 * Disposes of the bodies that no rule asks to keep and no hold keeps: those that only snapshots, evaluations and imports before the cutoff
 * show. Digests, keys and what still holds stay. One transaction for each source; the ledger comes first.
 */
export async function runRetention(store: Store, rules: RetentionRules): Promise<readonly RetentionStep[]> {
  return eachStep(store, rules, async (on, step) => {
    const { source, cutoff, rule, keptFromVersion } = step
    const why = {
      ...{ reason: 'retention', source, keptDays: rule.days, because: rule.because },
      ...{ cutoff: cutoff?.toISOString() ?? null, keptFromVersion, heldBy: [...step.heldBy] },
    }
    return (await dispose(on, store.now(), why, step))?.position ?? null
  })
}

type Finish = (on: Connection, step: RetentionStep) => Promise<number | null>

async function eachStep(store: Store, rules: RetentionRules, finish: Finish): Promise<RetentionStep[]> {
  const { rows: sources } = await store.db.pool.query<{ id: number; label: string }>(
    'select id, label from source order by label',
  )
  const steps: RetentionStep[] = []
  for (const source of [...sources, null]) {
    steps.push(
      await transaction(store.db, async on => {
        await lockForDisposal(on)
        const step = await planStep(on, store, rules, source)
        return step.cutoff === null ? step : { ...step, ledgerPosition: await finish(on, step) }
      }),
    )
  }
  return steps
}

const nothing: Disposal = { resources: 0, results: 0, importRows: 0, findings: 0, sizeBytes: 0 }

async function planStep(
  on: Connection,
  store: Store,
  rules: RetentionRules,
  source: { readonly id: number; readonly label: string } | null,
): Promise<RetentionStep> {
  const rule = source === null ? rules.imports : rules.of(source.label)
  const holds = await standingHolds(on)
  const named = await sourcesByLabel(on)
  const isOn = (label: string) => source === null || named(label).has(source.id)
  const whole = holds.filter(({ scope }) => scope.kind === 'all' || (scope.kind === 'source' && isOn(scope.source)))
  const people = holds.filter(({ scope }) => scope.kind === 'person')
  const step = { source: source?.label ?? null, rule, ledgerPosition: null, heldBy: [...whole, ...people].map(holdText) }
  if (rule.days === null) return { ...step, ...nothing, cutoff: null, keptFromVersion: null }
  const cutoff = new Date(store.now().getTime() - rule.days * 86_400_000)
  if (whole.length > 0) return { ...step, ...nothing, cutoff, keptFromVersion: null }
  const kept = await personRows(on, people, named)
  if (source === null) return { ...step, ...(await choose(on, [importsBefore(cutoff, kept)])), cutoff, keptFromVersion: null }
  const [first] = await on.query<{ version: number | null }>(
    'select max(version) as version from snapshot where source_id = $1 and sealed_at <= $2',
    [source.id, cutoff],
  )
  const version = first?.version ?? null
  const labels = await freeLabels(on, source, holds, named, rules)
  const choices = [
    ...(version === null ? [] : [versionsBefore(source.id, version, kept)]),
    resultsBefore(labels, cutoff, kept),
    findingsBefore(labels, cutoff, kept),
  ]
  return { ...step, ...(await choose(on, choices)), cutoff, keptFromVersion: version }
}

/** What holds on people keep. A person's names may stand in the results and imports of any source. */
async function personRows(on: Connection, holds: readonly Hold[], named: SourcesByLabel): Promise<readonly PersonRows[]> {
  const found: PersonRows[] = []
  for (const { scope } of holds)
    if (scope.kind === 'person') for (const id of named(scope.source)) found.push(await findPersonRows(on, id, scope.user))
  return found
}

/** A label, and the last evaluation of which nothing under it may go by the rule of the source in question. */
interface FreeLabel {
  readonly label: string
  readonly after: number
}

/**
 * Labels under which results and findings are a source's: its own and those it had. Under one that a hold covers nothing goes, whichever source
 * had it when; and what was judged under it while it was that of a source that is kept longer is left to the rule of that one.
 */
async function freeLabels(
  on: Connection,
  source: { readonly id: number; readonly label: string },
  holds: readonly Hold[],
  named: SourcesByLabel,
  rules: RetentionRules,
): Promise<FreeLabel[]> {
  const held = new Set(holds.flatMap(({ scope }) => (scope.kind === 'source' ? [...named(scope.source)] : [])))
  const daysOf = (label: string) => rules.of(label).days ?? Number.POSITIVE_INFINITY
  const others = await on.query<{ id: number; label: string }>('select id, label from source where id <> $1', [source.id])
  const longer = new Set(others.filter(other => daysOf(other.label) > daysOf(source.label)).map(other => other.id))
  const free: FreeLabel[] = []
  for (const label of await labelsOf(on, [source.id])) {
    const ids = [...named(label)]
    if (ids.some(id => held.has(id))) continue
    const shared = ids.filter(id => longer.has(id))
    free.push({ label, after: shared.length === 0 ? 0 : await lastJudged(on, label, shared) })
  }
  return free
}

/** Number of the last evaluation that judged under a label what may be a snapshot of one of some sources: any that is not known to be another's. */
async function lastJudged(on: Connection, label: string, sourceIds: readonly number[]): Promise<number> {
  const [last] = await on.query<{ id: number }>(
    `select coalesce(max(e.id), 0) as id from evaluation e cross join json_array_elements(e.snapshots::json) j
     where j->>'source' = $1 and not exists (
       select from snapshot s where encode(s.digest, 'hex') = j->>'digest' and s.source_id <> all ($2::int[]))`,
    [label, sourceIds],
  )
  return last!.id
}

function versionsBefore(sourceId: number, version: number, kept: readonly PersonRows[]): Choice {
  return [
    `${chooseVersions} v.source_id = $1 and v.to_version <= $2 and v.entity_id <> all ($3::int[])`,
    [sourceId, version, kept.flatMap(each => each.entityIds)],
  ]
}

/** The last evaluation by then shows the state at the cutoff, and what it shows is kept. */
function resultsBefore(labels: readonly FreeLabel[], cutoff: Date, kept: readonly PersonRows[]): Choice {
  return [
    `${chooseResults} exists (select from unnest($1::text[], $4::int[]) w (label, after) where w.label = r.source and r.from_evaluation > w.after)
       and r.digest <> all ($3::bytea[]) and r.to_evaluation <= (select max(id) from evaluation where evaluated_at <= $2)`,
    [labels.map(each => each.label), cutoff, kept.flatMap(each => each.results), labels.map(each => each.after)],
  ]
}

/** States that ended by then, and what was resolved by then and never came again. */
function findingsBefore(labels: readonly FreeLabel[], cutoff: Date, kept: readonly PersonRows[]): Choice {
  return [
    `${chooseFindings} exists (select from finding i join unnest($1::text[], $4::int[]) w (label, after) on w.label = i.source
         where i.id = f.finding_id and f.from_evaluation > w.after) and f.digest <> all ($3::bytea[])
       and case f.state when 'resolved' then f.from_evaluation else f.to_evaluation end <= (select max(id) from evaluation where evaluated_at <= $2)`,
    [labels.map(each => each.label), cutoff, kept.flatMap(each => each.findings), labels.map(each => each.after)],
  ]
}

/** A file counts until the next of its kind. */
function importsBefore(cutoff: Date, kept: readonly PersonRows[]): Choice {
  return [
    `${chooseImports} i.digest <> all ($2::bytea[]) and i.import_id in (
       select f.id from import_file f join import_file n on n.kind = f.kind and n.id > f.id and n.imported_at <= $1)`,
    [cutoff, kept.flatMap(each => each.importRows)],
  ]
}
