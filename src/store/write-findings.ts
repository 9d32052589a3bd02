import { canonicalJson, compareBytes, digestOf, sha256 } from '../digest.ts'
import type { Evaluation, FindingState, Json } from '../model.ts'
import type { Connection } from './database.ts'
import {
  type DueDays,
  type FindingIdentity,
  type Interval,
  identityKey,
  judgements,
  type Shown,
  shownIn,
  stateGone,
  stateShown,
} from './finding-states.ts'
import { outside } from './outside.ts'
import { stillHolds } from './versions.ts'

const defaultDueDays: DueDays = { critical: 7, high: 30, medium: 90, low: 180 }

interface Known {
  readonly id: number
  readonly state: FindingState
}

interface Change {
  readonly id: number
  readonly identity: FindingIdentity
  readonly isNew: boolean
  readonly body: string
  readonly state: FindingState['state']
}

/**
 * Moves findings on by what an evaluation shows; comes before its own row is written. One that judges an older instant than the last that
 * moved them moves none. What stays as it is writes nothing.
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
  const shown = shownIn(evaluation)
  const known = await openFindings(on)
  for (const [key, each] of await resolvedFindings(
    on,
    [...shown].flatMap(([key, each]) => (known.has(key) ? [] : [each])),
  ))
    known.set(key, each)
  const intervals = await intervalsOf(on, evaluation, previous)
  const doubtful = await unknownBefore(
    on,
    previous,
    [...shown].flatMap(([key, each]) => (isOpen(known.get(key)) ? [] : [each])),
  )
  const statusOf = judgements(evaluation)

  const changes: Change[] = []
  let last = (await on.query<{ last: number }>('select coalesce(max(id), 0) as last from finding'))[0]!.last
  const change = (key: string, identity: FindingIdentity, state: FindingState) => {
    const before = known.get(key)
    const body = bodyOf(state)
    if (before !== undefined && bodyOf(before.state) === body) return
    changes.push({ id: before?.id ?? ++last, identity, isNew: before === undefined, body, state: state.state })
  }
  for (const [key, each] of [...shown].sort(([a], [b]) => compareBytes(a, b))) {
    const interval = intervals(each)
    const opened = doubtful.has(key) || !interval.isComparable ? { ...interval, after: null } : interval
    change(key, each, stateShown(known.get(key)?.state ?? null, each, opened, dueDays))
  }
  for (const [key, { state }] of known) {
    if (shown.has(key)) continue
    const identity = identityOf(key)
    change(key, identity, stateGone(state, statusOf(identity), intervals(identity)))
  }
  await write(on, id, changes)
  return statesDigest(changes)
}

/** SHA-256 of the canonical JSON of the sorted `[finding, what it is about, digest of its state]` that an evaluation began. */
export function statesDigest(
  states: readonly { readonly id: number; readonly identity: FindingIdentity; readonly body: string }[],
): string {
  const rows = [...states].sort((a, b) => a.id - b.id).map(({ id, identity, body }) => [id, identityKey(identity), sha256(body)])
  return digestOf(rows)
}

/** The state as it is kept: canonical JSON, times as text. */
function bodyOf(state: FindingState): string {
  return canonicalJson(outside(state))
}

export function stateOf(body: string): FindingState {
  const state = JSON.parse(body) as { readonly [member: string]: Json }
  const times = ['openedAfter', 'openedBy', 'resolvedAfter', 'resolvedBy', 'raisedBy', 'dueAt']
  const dates = times.map(name => [name, state[name] === null ? null : new Date(String(state[name]))])
  return { ...state, ...Object.fromEntries(dates) } as unknown as FindingState
}

function isOpen(known: Known | undefined): boolean {
  return known?.state.state === 'open'
}

function identityOf(key: string): FindingIdentity {
  const [control, source, kind, subjectType, ...rest] = key.split('\n') as [string, string, 'fail' | 'unknown', string]
  return { control, source, kind, subjectType, subjectKey: rest.join('\n') }
}

interface Previous {
  readonly id: number
  readonly asOf: Date
  readonly snapshots: Evaluation['snapshots']
}

/** The last evaluation that moved findings. */
async function previousOf(on: Connection): Promise<Previous | null> {
  const [row] = await on.query<{ id: number; as_of: Date; snapshots: string }>(
    'select id, as_of, snapshots from evaluation where findings is not null order by id desc limit 1',
  )
  if (row === undefined) return null
  return { id: row.id, asOf: row.as_of, snapshots: JSON.parse(row.snapshots) as Evaluation['snapshots'] }
}

interface FindingRow {
  readonly id: number
  readonly control_id: string
  readonly source: string
  readonly kind: 'fail' | 'unknown'
  readonly subject_type: string
  readonly subject_key: string
  readonly body: string
}

function byIdentity(rows: readonly FindingRow[]): Map<string, Known> {
  return new Map(
    rows.map(row => {
      const { control_id: control, source, kind, subject_type: subjectType, subject_key: subjectKey } = row
      return [identityKey({ control, source, kind, subjectType, subjectKey }), { id: row.id, state: stateOf(row.body) }]
    }),
  )
}

async function openFindings(on: Connection): Promise<Map<string, Known>> {
  return byIdentity(
    await on.query<FindingRow>(
      `select f.*, v.body from finding_version v join finding f on f.id = v.finding_id
       where v.to_evaluation = ${stillHolds} and v.state = 'open'`,
    ),
  )
}

const identityJoin = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as n (control_id, source, kind, subject_type, subject_key)`

async function resolvedFindings(on: Connection, wanted: readonly FindingIdentity[]): Promise<Map<string, Known>> {
  if (wanted.length === 0) return new Map()
  return byIdentity(
    await on.query<FindingRow>(
      `select f.*, v.body from ${identityJoin} join finding f using (control_id, source, kind, subject_type, subject_key)
       join finding_version v on v.finding_id = f.id and v.to_evaluation = ${stillHolds}`,
      columnsOf(wanted),
    ),
  )
}

/** Of what is opened now, that which the evaluation before could not judge: it may have been so already. */
async function unknownBefore(on: Connection, previous: Previous | null, wanted: readonly Shown[]): Promise<ReadonlySet<string>> {
  if (previous === null || wanted.length === 0) return new Set()
  const rows = await on.query<FindingRow>(
    `select n.* from ${identityJoin}
     left join outcome_version o on o.control_id = n.control_id and o.source = n.source and o.from_evaluation <= $6 and o.to_evaluation > $6
     left join result_version r on r.control_id = n.control_id and r.source = n.source and r.subject_key = n.subject_key
       and r.subject_kind = 'resource' and r.subject_type = n.subject_type and r.from_evaluation <= $6 and r.to_evaluation > $6
     where n.kind = 'fail' and (r.body::json->>'status' = 'unknown' or r.body is null and (o.body::json->>'populationIsLowerBound')::boolean)`,
    [...columnsOf(wanted), previous.id],
  )
  return new Set(
    rows.map(({ control_id: control, source, kind, subject_type: subjectType, subject_key: subjectKey }) =>
      identityKey({ control, source, kind, subjectType, subjectKey }),
    ),
  )
}

function columnsOf(identities: readonly FindingIdentity[]): readonly (readonly string[])[] {
  const column = (name: keyof FindingIdentity) => identities.map(each => each[name])
  return [column('control'), column('source'), column('kind'), column('subjectType'), column('subjectKey')]
}

/**
 * Times between which something changed that this evaluation shows: the two snapshots, or the two instants where one snapshot was judged
 * twice. Not comparable: the control was not judged before, or by another definition or other parameters, so that nobody knows since when.
 */
async function intervalsOf(
  on: Connection,
  evaluation: Evaluation,
  previous: Previous | null,
): Promise<(identity: FindingIdentity) => Interval & { readonly isComparable: boolean }> {
  const seals = await on.query<{ label: string; version: number; sealed_at: Date }>(
    `select s.label, s.version, s.sealed_at from unnest($1::text[], $2::int[]) as n (label, version)
     join snapshot s on s.label = n.label and s.version = n.version`,
    [
      [...evaluation.snapshots, ...(previous?.snapshots ?? [])].map(({ source }) => source),
      [...evaluation.snapshots, ...(previous?.snapshots ?? [])].map(({ version }) => version),
    ],
  )
  const sealedAt = new Map(seals.map(row => [`${row.version} ${row.label}`, row.sealed_at]))
  const before = new Map(
    (previous === null ? [] : await definitionsAt(on, previous.id)).map(row => [`${row.control_id}\n${row.source}`, row.said]),
  )
  const now = new Map(
    evaluation.outcomes.map(({ control, source, parametersDigest }) => [
      ...[`${control.id}\n${source}`, `${control.digest} ${parametersDigest}`],
    ]) as [string, string][],
  )
  return ({ control, source }) => {
    const series = `${control}\n${source}`
    const present = evaluation.snapshots.find(each => each.source === source)
    const past = previous?.snapshots.find(each => each.source === source)
    const isComparable = before.has(series) && before.get(series) === now.get(series)
    const isOther = present !== undefined && past !== undefined && present.digest !== past.digest
    const seal = (each: typeof present) => (each === undefined ? undefined : sealedAt.get(`${each.version} ${each.source}`))
    const by = (isOther || past === undefined ? seal(present) : undefined) ?? evaluation.asOf
    const after = !before.has(series) || previous === null ? null : ((isOther ? seal(past) : undefined) ?? previous.asOf)
    return { after, by, isComparable }
  }
}

async function definitionsAt(on: Connection, evaluation: number) {
  return on.query<{ control_id: string; source: string; said: string }>(
    `select o.control_id, o.source, (c.body::json->>'digest') || ' ' || (o.body::json->>'parametersDigest') as said
     from outcome_version o join control_definition c on c.digest = o.definition
     where o.from_evaluation <= $1 and o.to_evaluation > $1`,
    [evaluation],
  )
}

async function write(on: Connection, id: number, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return
  const added = changes.filter(({ isNew }) => isNew)
  await on.execute(
    `insert into finding (control_id, source, kind, subject_type, subject_key, id)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[])`,
    [...columnsOf(added.map(({ identity }) => identity)), added.map(each => each.id)],
  )
  await on.execute(
    `update finding_version v set to_evaluation = $1 from unnest($2::int[]) as n (id)
     where v.finding_id = n.id and v.to_evaluation = ${stillHolds}`,
    [id, changes.map(each => each.id)],
  )
  await on.copy(
    'finding_version',
    ['finding_id', 'from_evaluation', 'state', 'body', 'digest'],
    changes.map(each => [each.id, id, each.state, each.body, Buffer.from(sha256(each.body), 'hex')]),
  )
}
