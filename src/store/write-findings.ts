import { canonicalJson, compareBytes, digestOf } from '../digest.ts'
import type { Evaluation, FindingState } from '../model.ts'
import type { Connection } from './database.ts'
import { readDisposalsOn } from './disposal.ts'
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
import { type KeptState, keepState, keptColumns, stateOf } from './finding-words.ts'
import { outside } from './outside.ts'
import { stillHolds } from './versions.ts'

const defaultDueDays: DueDays = { critical: 7, high: 30, medium: 90, low: 180 }

interface Known {
  readonly id: number
  readonly isOpen: boolean
  readonly kept: KeptState
  /** the state as it is kept: read only where it may change */
  read(): FindingState
}

interface Change {
  readonly id: number
  readonly identity: FindingIdentity
  readonly isNew: boolean
  readonly state: FindingState
  readonly digest: string
  readonly kept: ReturnType<typeof keepState>
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
    if (before !== undefined && bodyOf(before.read()) === body) return
    const kept = keepState(state)
    const digest = kept.digest.toString('hex')
    changes.push({ id: before?.id ?? ++last, identity, isNew: before === undefined, state, digest, kept })
  }
  const sorted = [...shown].filter(([key, each]) => !saysTheSame(known.get(key), each)).sort(([a], [b]) => compareBytes(a, b))
  for (const [key, each] of sorted) {
    const interval = intervals(each)
    const opened = doubtful.has(key) || !interval.isComparable ? { ...interval, after: null } : interval
    const before = known.get(key)
    change(key, each, stateShown(before?.read() ?? null, each, opened, dueDays))
  }
  for (const [key, each] of known) {
    if (shown.has(key)) continue
    const identity = identityOf(key)
    change(key, identity, stateGone(each.read(), statusOf(identity), intervals(identity)))
  }
  await write(on, id, changes)
  return statesDigest(changes)
}

/** SHA-256 of the canonical JSON of the sorted `[finding, what it is about, digest of its state]` that an evaluation began. */
export function statesDigest(
  states: readonly { readonly id: number; readonly identity: FindingIdentity; readonly digest: string }[],
): string {
  const rows = [...states].sort((a, b) => a.id - b.id).map(({ id, identity, digest }) => [id, identityKey(identity), digest])
  return digestOf(rows)
}

/** A state as text, to be compared: canonical JSON, times as text. */
function bodyOf(state: FindingState): string {
  return canonicalJson(outside(state))
}

function isOpen(known: Known | undefined): boolean {
  return known?.isOpen === true
}

/** What is open and shown as it was needs no second look: most findings, on most days. */
function saysTheSame(known: Known | undefined, { kind, name, severity, subjects, exceptions }: Shown): boolean {
  if (known?.isOpen !== true || known.kept.words === null) return false
  const said = JSON.parse(known.kept.body) as Pick<Shown, 'severity' | 'subjects' | 'exceptions'> & { status: string }
  const words = JSON.parse(known.kept.words) as Pick<Shown, 'name'>
  const isSame = said.status === kind && words.name === name && said.severity === severity && said.subjects === subjects
  return isSame && said.exceptions.join('\n') === [...exceptions].sort(compareBytes).join('\n')
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
  readonly state: FindingState['state']
}

async function byIdentity(on: Connection, rows: readonly (FindingRow & KeptState)[]): Promise<Map<string, Known>> {
  const disposals = rows.some(row => row.disposed !== null) ? await readDisposalsOn(on) : new Map()
  return new Map(
    rows.map(row => {
      const { control_id: control, source, kind, subject_type: subjectType, subject_key: subjectKey } = row
      return [
        identityKey({ control, source, kind, subjectType, subjectKey }),
        {
          id: row.id,
          isOpen: row.state === 'open',
          kept: row,
          read: () => stateOf(row, subjectKey, disposals),
        },
      ]
    }),
  )
}

async function openFindings(on: Connection): Promise<Map<string, Known>> {
  return byIdentity(
    on,
    await on.query<FindingRow & KeptState>(
      `select f.*, v.state, ${keptColumns} from finding_version v join finding f on f.id = v.finding_id
       where v.to_evaluation = ${stillHolds} and v.state = 'open'`,
    ),
  )
}

const identityJoin = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as n (control_id, source, kind, subject_type, subject_key)`

async function resolvedFindings(on: Connection, wanted: readonly FindingIdentity[]): Promise<Map<string, Known>> {
  if (wanted.length === 0) return new Map()
  return byIdentity(
    on,
    await on.query<FindingRow & KeptState>(
      `select f.*, v.state, ${keptColumns} from ${identityJoin} join finding f using (control_id, source, kind, subject_type, subject_key)
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
     where n.kind = 'fail' and (coalesce(r.status, r.body::json->>'status') = 'unknown' or r.subject_key is null and (o.body::json->>'populationIsLowerBound')::boolean)`,
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
    ['finding_id', 'from_evaluation', 'state', 'body', 'words', 'salt', 'digest'],
    changes.map(({ id: finding, state, kept }) => [finding, id, state.state, kept.body, kept.words, kept.salt, kept.digest]),
  )
}
