import { randomBytes } from 'node:crypto'
import { canonicalJson } from '../digest.ts'
import type { Finding, FindingFigures, FindingNote, FindingState, Json, Severity } from '../model.ts'
import { type Connection, query, transaction } from './database.ts'
import { readDisposals } from './disposal.ts'
import { StoreError } from './error.ts'
import { endedExceptions } from './exceptions.ts'
import { type KeptState, keptColumns, stateOf } from './finding-words.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import { saltedDigest } from './salted-digest.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/** Which findings, and as of when. Everything that is left out lets all through. */
export interface FindingFilter {
  readonly id?: number
  readonly state?: FindingState['state']
  readonly kind?: Finding['kind']
  readonly control?: string
  readonly source?: string
  readonly severity?: Severity
  readonly owner?: string
  /** key or name of the subject */
  readonly subject?: string
  /** beside which an exception stands that is in force still */
  readonly excepted?: boolean
  /** open, not excepted, and due before this */
  readonly dueBefore?: Date
  /** as they stood after this evaluation; left out: now */
  readonly evaluation?: number
  /** what people said up to this position of the ledger; left out: everything */
  readonly ledgerPosition?: number
}

/** A state of a finding with the evaluation that began it. */
export interface FindingVersion extends FindingState {
  readonly evaluation: number
  readonly asOf: Date
}

/** Findings by severity (the worst first), then the one that is due first, then number. */
export async function readFindings(store: Store, filter: FindingFilter = {}): Promise<readonly Finding[]> {
  const rows = await query<FindingRow>(
    store.db,
    `select f.*, ${keptColumns}, a.body as assigned
     from finding f join finding_version v on v.finding_id = f.id and ${filter.evaluation === undefined ? `v.to_evaluation = ${stillHolds} and $1::int is null` : 'v.from_evaluation <= $1 and v.to_evaluation > $1'}
     left join lateral (select body from finding_note n where n.finding_id = f.id and n.kind = 'assigned'
       and ($2::float8 is null or n.ledger_position <= $2) order by n.id desc limit 1) a on true
     where ($3::int is null or f.id = $3) and ($4::text is null or v.state = $4) and ($5::text is null or f.kind = $5)
       and ($6::text is null or f.control_id = $6) and ($7::text is null or f.source = $7)
       and ($8::text is null or v.body::json->>'severity' = $8) and ($9::text is null or a.body::json->>'owner' = $9)
       and ($10::text is null or f.subject_key = $10 or coalesce(v.words, v.body)::json->>'name' = $10)
       and ($11::timestamptz is null or v.state = 'open' and (v.body::json->>'dueAt')::timestamptz < $11)
     order by array_position(array['critical', 'high', 'medium', 'low'], v.body::json->>'severity'),
       (v.body::json->>'dueAt')::timestamptz nulls last, f.id`,
    [
      ...[filter.evaluation ?? null, filter.ledgerPosition ?? null, filter.id ?? null, filter.state ?? null],
      ...[filter.kind ?? null, filter.control ?? null, filter.source ?? null, filter.severity ?? null],
      ...[filter.owner ?? null, filter.subject ?? null, filter.dueBefore ?? null],
    ],
  )
  const disposals = await readDisposals(store)
  // as an evaluation left them they say what it knew
  const ended = filter.evaluation === undefined ? await endedExceptions(store) : new Set<string>()
  return rows
    .map(row => findingOf(row, disposals, ended))
    .filter(({ exceptions }) => filter.excepted === undefined || exceptions.length > 0 === filter.excepted)
}

/** One finding with every state it had, oldest first, and what people said of it. @throws {StoreError} FINDING_NOT_FOUND */
export async function readFinding(
  store: Store,
  id: number,
): Promise<{
  readonly finding: Finding
  readonly versions: readonly FindingVersion[]
  readonly notes: readonly FindingNote[]
}> {
  const [finding] = await readFindings(store, { id })
  if (finding === undefined) throw notFound(id)
  const versions = await query<KeptState & { evaluation: number; asOf: Date }>(
    store.db,
    `select v.from_evaluation as evaluation, e.as_of as "asOf", ${keptColumns}
     from finding_version v join evaluation e on e.id = v.from_evaluation where v.finding_id = $1 order by v.from_evaluation`,
    [id],
  )
  const disposals = await readDisposals(store)
  const notes = await query<NoteRow>(store.db, 'select id, at, kind, body from finding_note where finding_id = $1 order by id', [
    id,
  ])
  return {
    finding,
    versions: versions.map(({ evaluation, asOf, ...kept }) => ({
      ...stateOf(kept, finding.subjectKey, disposals),
      evaluation,
      asOf,
    })),
    notes: notes.map(noteOf),
  }
}

/** What of an assignment changes; left out: it stays. Null: nobody, none. */
export interface Assignment {
  readonly owner?: string | null
  readonly ticket?: string | null
}

/**
 * Says whose a finding is, and under which ticket it is worked on.
 * @throws {StoreError} FINDING_NOT_FOUND
 */
export async function assignFinding(store: Store, id: number, by: string, assignment: Assignment): Promise<FindingNote> {
  return addNote(store, id, by, 'assigned', before => ({ ...before, ...assignment, text: null }))
}

/** Says something of a finding. @throws {StoreError} FINDING_NOT_FOUND */
export async function noteFinding(store: Store, id: number, by: string, text: string): Promise<FindingNote> {
  return addNote(store, id, by, 'note', before => ({ ...before, text }))
}

/**
 * Open findings and how long resolved ones took, by severity, the worst first. Every episode that ended counts, also of a finding that was
 * opened again.
 * @param now what is overdue by then
 */
export async function findingFigures(
  store: Store,
  now: Date,
  filter: Pick<FindingFilter, 'evaluation' | 'control'> = {},
): Promise<readonly FindingFigures[]> {
  const open = await readFindings(store, { ...filter, state: 'open' })
  const ended = await query<{ severity: Severity; days: number }>(
    store.db,
    `select distinct on (v.finding_id, v.body::json->>'episode') v.body::json->>'severity' as severity,
       extract(epoch from (v.body::json->>'resolvedBy')::timestamptz - (v.body::json->>'openedBy')::timestamptz)::float8 / 86400 as days
     from finding_version v join finding f on f.id = v.finding_id
     where v.state = 'resolved' and ($1::int is null or v.from_evaluation <= $1) and ($2::text is null or f.control_id = $2)
     order by v.finding_id, v.body::json->>'episode', v.from_evaluation`,
    [filter.evaluation ?? null, filter.control ?? null],
  )
  return (['critical', 'high', 'medium', 'low'] as const).map(severity => {
    const own = open.filter(each => each.severity === severity)
    const days = ended.flatMap(each => (each.severity === severity ? [each.days] : [])).sort((a, b) => a - b)
    const middle = (days.length - 1) / 2
    const median = days.length === 0 ? null : (days[Math.floor(middle)]! + days[Math.ceil(middle)]!) / 2
    return {
      severity,
      open: own.length,
      excepted: own.filter(({ exceptions }) => exceptions.length > 0).length,
      overdue: own.filter(({ dueAt }) => dueAt !== null && dueAt < now).length,
      unknown: own.filter(({ kind }) => kind === 'unknown').length,
      resolved: days.length,
      meanDaysToResolve: days.length === 0 ? null : hundredths(days.reduce((sum, each) => sum + each, 0) / days.length),
      medianDaysToResolve: median === null ? null : hundredths(median),
    }
  })
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}

interface FindingRow extends KeptState {
  readonly id: number
  readonly control_id: string
  readonly source: string
  readonly kind: Finding['kind']
  readonly subject_type: string
  readonly subject_key: string
  readonly assigned: string | null
}

function findingOf(row: FindingRow, disposals: Awaited<ReturnType<typeof readDisposals>>, ended: ReadonlySet<string>): Finding {
  const state = stateOf(row, row.subject_key, disposals)
  const assigned = JSON.parse(row.assigned ?? '{}') as Assignment
  return {
    id: row.id,
    ...{ control: row.control_id, source: row.source, kind: row.kind },
    ...{ subjectType: row.subject_type, subjectKey: row.subject_key },
    ...state,
    exceptions: state.exceptions.filter(id => !ended.has(id)),
    endedExceptions: state.exceptions.filter(id => ended.has(id)),
    ...{ owner: assigned.owner ?? null, ticket: assigned.ticket ?? null },
  }
}

interface NoteRow {
  readonly id: number
  readonly at: Date
  readonly kind: FindingNote['kind']
  readonly body: string
}

type Said = Pick<FindingNote, 'by' | 'owner' | 'ticket' | 'text'>

function noteOf({ id, at, kind, body }: NoteRow): FindingNote {
  return { id, at, kind, ...(JSON.parse(body) as Said) }
}

async function addNote(
  store: Store,
  finding: number,
  by: string,
  kind: FindingNote['kind'],
  say: (before: Pick<Said, 'owner' | 'ticket'>) => Omit<Said, 'by'>,
): Promise<FindingNote> {
  return transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.findings])
    if ((await on.query('select from finding where id = $1', [finding])).length === 0) throw notFound(finding)
    const at = store.now()
    const body = canonicalJson({ ...say(await assignedOf(on, finding)), by } as Json)
    const [last] = await on.query<{ id: number }>('select coalesce(max(id), 0) as id from finding_note')
    const id = last!.id + 1
    const salt = randomBytes(16)
    const digest = saltedDigest(salt, body)
    // who said it stands in the body, with its salt: what stands here stays for good
    const { position } = await appendTo(on, at, 'finding', { finding, note: id, event: kind, digest })
    await on.execute(
      'insert into finding_note (id, finding_id, at, kind, body, salt, digest, ledger_position) values ($1, $2, $3, $4, $5, $6, $7, $8)',
      [id, finding, at, kind, body, salt, Buffer.from(digest, 'hex'), position],
    )
    return noteOf({ id, at, kind, body })
  })
}

async function assignedOf(on: Connection, finding: number): Promise<Pick<Said, 'owner' | 'ticket'>> {
  const [row] = await on.query<{ body: string }>(
    `select body from finding_note where finding_id = $1 and kind = 'assigned' order by id desc limit 1`,
    [finding],
  )
  const { owner = null, ticket = null } = JSON.parse(row?.body ?? '{}') as Assignment
  return { owner, ticket }
}

function notFound(id: number): StoreError {
  return new StoreError('FINDING_NOT_FOUND', `there is no finding F-${id}`, { hint: 'see `evidenced findings list`' })
}
