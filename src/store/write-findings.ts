import { canonicalJson, compareBytes } from '../digest.ts'
import type { Evaluation, FindingState } from '../model.ts'
import type { CopyValue } from './copy.ts'
import { type Connection, cursorRows } from './database.ts'
import { type DisposalEntry, readDisposalsOn } from './disposal.ts'
import { intervalsOf, type Previous, previousOf } from './finding-intervals.ts'
import { type DueDays, type FindingIdentity, judgements, type Shown, shownIn, stateGone, stateShown } from './finding-states.ts'
import { type KeptState, keepState, keptColumns, stateOf } from './finding-words.ts'
import { outside } from './outside.ts'
import { StatesDigest } from './states-digest.ts'
import { stillHolds } from './versions.ts'

const defaultDueDays: DueDays = { critical: 7, high: 30, medium: 90, low: 180 }

/** A finding as it was kept before; `state` null: it is new. */
interface FindingRow extends Omit<KeptState, 'body'> {
  readonly id: number
  readonly control: string
  readonly source: string
  readonly kind: 'fail' | 'unknown'
  readonly subjectType: string
  readonly subjectKey: string
  readonly state: FindingState['state'] | null
  readonly body: string | null
}

interface ShownRow extends FindingRow {
  readonly said: string
}

type Said = Pick<Shown, 'name' | 'severity' | 'reason' | 'subjects' | 'exceptions'>

/**
 * Moves findings on by what an evaluation shows; comes before its own row is written. One that judges an older instant than the last that
 * moved them moves none. What stays as it is writes nothing. There may be hundreds of thousands: the database holds what is shown beside
 * what is known, and they pass by here in batches.
 * @returns digest of the states that it began, for the evaluation and the ledger; null: it moved none
 */
export async function writeFindings(
  on: Connection,
  id: number,
  evaluation: Evaluation,
  dueDays: DueDays = defaultDueDays,
): Promise<string | null> {
  const previous = await previousOf(on)
  if (previous !== null && evaluation.asOf < previous.asOf) return null
  const intervals = await intervalsOf(on, evaluation, previous)
  const statusOf = judgements(evaluation)
  let disposals: ReadonlyMap<number, DisposalEntry> = new Map()
  const lookUp = async (rows: readonly FindingRow[]) => {
    if (disposals.size === 0 && rows.some(row => row.disposed !== null)) disposals = await readDisposalsOn(on)
  }
  const before = (row: FindingRow) => (row.body === null ? null : stateOf(row as KeptState, row.subjectKey, disposals))

  await showFindings(on, evaluation)
  for await (const rows of cursorRows<ShownRow>(on, shownRows)) {
    await lookUp(rows)
    const moved = rows
      .map(row => ({ row, said: JSON.parse(row.said) as Said }))
      .filter(({ row, said }) => !saysTheSame(row, said))
    const doubtful = await unknownBefore(
      on,
      previous,
      moved.flatMap(({ row }) => (row.state === 'open' ? [] : [row])),
    )
    const states = moved.map(({ row, said }): [FindingRow, FindingState] => {
      const interval = intervals(row)
      const opened = doubtful.has(row.id) || !interval.isComparable ? { ...interval, after: null } : interval
      return [row, stateShown(before(row), { ...identityOf(row), ...said }, opened, dueDays)]
    })
    await writeChanged(on, id, states, before)
  }
  for await (const rows of cursorRows<FindingRow>(on, goneRows)) {
    await lookUp(rows)
    const states = rows.map((row): [FindingRow, FindingState] => [
      row,
      stateGone(before(row)!, statusOf(identityOf(row)), intervals(row)),
    ])
    await writeChanged(on, id, states, before)
  }
  await on.execute('drop table shown_finding')
  return begunDigest(on, id)
}

/** What is open and shown as it was needs no second look: most findings, on most days. */
function saysTheSame({ kind, state, body, words }: ShownRow, { name, severity, subjects, exceptions }: Said): boolean {
  if (state !== 'open' || body === null || words === null) return false
  const said = JSON.parse(body) as Omit<Said, 'name'> & { readonly status: string }
  const isSame = said.status === kind && said.severity === severity && said.subjects === subjects
  return isSame && (JSON.parse(words) as Said).name === name && said.exceptions.join('\n') === exceptions.join('\n')
}

function identityOf({ control, source, kind, subjectType, subjectKey }: FindingIdentity): FindingIdentity {
  return { control, source, kind, subjectType, subjectKey }
}

const identity = ['control_id', 'source', 'kind', 'subject_type', 'subject_key']

/** Puts what an evaluation shows into the temporary table `shown_finding`, and gives a number to what was never shown before. */
async function showFindings(on: Connection, evaluation: Evaluation): Promise<void> {
  const columns = identity.map(column => `${column} text collate "C"`)
  await on.execute(`create temporary table shown_finding (${columns.join(', ')}, said text) on commit drop`)
  await on.copy('shown_finding', [...identity, 'said'], shownValues(evaluation))
  await on.execute('analyze shown_finding')
  await on.execute(
    `insert into finding (${identity.join(', ')}, id)
     select ${identity.join(', ')}, (select coalesce(max(id), 0) from finding) + row_number() over (order by ${identity.join(', ')})
     from shown_finding n where not exists (select from finding f where ${sameIdentity})`,
  )
}

function* shownValues(evaluation: Evaluation): Generator<CopyValue[]> {
  for (const shown of shownIn(evaluation)) {
    const { control, source, kind, subjectType, subjectKey, name, severity, reason, subjects } = shown
    const exceptions = [...shown.exceptions].sort(compareBytes)
    yield [control, source, kind, subjectType, subjectKey, canonicalJson({ name, severity, reason, subjects, exceptions })]
  }
}

const sameIdentity = identity.map(column => `f.${column} = n.${column}`).join(' and ')
const findingColumns = `f.id, f.control_id as control, f.source, f.kind, f.subject_type as "subjectType", f.subject_key as "subjectKey", v.state, ${keptColumns}`

const shownRows = `select ${findingColumns}, n.said from shown_finding n join finding f on ${sameIdentity}
  left join finding_version v on v.finding_id = f.id and v.to_evaluation = ${stillHolds}`

const goneRows = `select ${findingColumns} from finding_version v join finding f on f.id = v.finding_id
  where v.to_evaluation = ${stillHolds} and v.state = 'open' and not exists (select from shown_finding n where ${sameIdentity})`

/** Ids of findings that are opened now and that the evaluation before could not judge: they may have been so already. */
async function unknownBefore(
  on: Connection,
  previous: Previous | null,
  opened: readonly FindingRow[],
): Promise<ReadonlySet<number>> {
  if (previous === null || opened.length === 0) return new Set()
  const column = <Name extends keyof FindingRow>(name: Name) => opened.map(each => each[name])
  const rows = await on.query<{ id: number }>(
    `select n.id from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       as n (id, control_id, source, kind, subject_type, subject_key)
     left join outcome_version o on o.control_id = n.control_id and o.source = n.source and o.from_evaluation <= $7 and o.to_evaluation > $7
     left join result_version r on r.control_id = n.control_id and r.source = n.source and r.subject_key = n.subject_key
       and r.subject_kind = 'resource' and r.subject_type = n.subject_type and r.from_evaluation <= $7 and r.to_evaluation > $7
     where n.kind = 'fail' and (coalesce(r.status, r.body::json->>'status') = 'unknown' or r.subject_key is null and (o.body::json->>'populationIsLowerBound')::boolean)`,
    [
      ...[column('id'), column('control'), column('source'), column('kind'), column('subjectType'), column('subjectKey')],
      previous.id,
    ],
  )
  return new Set(rows.map(row => row.id))
}

/** Begins the states that are not as they were. */
async function writeChanged(
  on: Connection,
  id: number,
  states: readonly (readonly [FindingRow, FindingState])[],
  before: (row: FindingRow) => FindingState | null,
): Promise<void> {
  const changed = states.filter(([row, state]) => {
    const was = before(row)
    return was === null || bodyOf(was) !== bodyOf(state)
  })
  if (changed.length === 0) return
  await on.execute(
    `update finding_version v set to_evaluation = $1 from unnest($2::int[]) as n (id)
     where v.finding_id = n.id and v.to_evaluation = ${stillHolds}`,
    [id, changed.flatMap(([row]) => (row.state === null ? [] : [row.id]))],
  )
  await on.copy(
    'finding_version',
    ['finding_id', 'from_evaluation', 'state', 'body', 'words', 'salt', 'digest'],
    changed.map(([row, state]) => {
      const { body, words, salt, digest } = keepState(state)
      return [row.id, id, state.state, body, words, salt, digest]
    }),
  )
}

/** A state as text, to be compared: canonical JSON, times as text. */
function bodyOf(state: FindingState): string {
  return canonicalJson(outside(state))
}

async function begunDigest(on: Connection, id: number): Promise<string> {
  const sum = new StatesDigest()
  const text = `select ${findingColumns.replace(keptColumns, 'v.digest')} from finding_version v join finding f on f.id = v.finding_id
    where v.from_evaluation = ${id} order by f.id`
  for await (const rows of cursorRows<FindingRow & { readonly digest: Buffer }>(on, text))
    for (const row of rows) sum.add({ id: row.id, identity: identityOf(row), digest: row.digest.toString('hex') })
  return sum.end()
}
