import { randomBytes } from 'node:crypto'
import { canonicalJson, compareBytes, digestOf } from '../digest.ts'
import { exceptionState, isSamePerson } from '../exception.ts'
import type { Evaluation, Exception, ExceptionFile, Json, RegisteredException } from '../model.ts'
import { type Connection, query, transaction } from './database.ts'
import { StoreError } from './error.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import { outside } from './outside.ts'
import { isMarker } from './redaction.ts'
import { saltedDigest } from './salted-digest.ts'
import type { Store } from './store.ts'

/** What is asked for; the store gives it an id and its own time. */
export type ExceptionRequest = Pick<Exception, 'controls' | 'scope' | 'reason' | 'ticket' | 'requestedBy' | 'expiresAt'>

/**
 * Keeps a request. It covers nothing until someone else approves it.
 * @returns the exception, with an id of its own (`EX-1`, `EX-2`, …)
 */
export async function requestException(store: Store, request: ExceptionRequest): Promise<Exception> {
  const { controls, scope, reason, ticket, requestedBy, expiresAt } = request
  return change(store, async (on, at) => {
    const [found] = await on.query<{ count: number }>(
      `select count(*)::int as count from exception_event where kind = 'requested'`,
    )
    const id = `EX-${found!.count + 1}`
    await addEvent(on, at, id, 'requested', {
      controls,
      scope,
      reason,
      ticket,
      requestedBy,
      expiresAt,
    } as unknown as Json)
    return id
  })
}

/**
 * Approves a request.
 * @param by whoever approves; not the one who asked for it
 * @throws {StoreError} EXCEPTION_NOT_FOUND; EXCEPTION_REFUSED for the one who asked for it, and when it is approved, revoked or over already
 */
export async function approveException(store: Store, id: string, by: string): Promise<Exception> {
  return change(store, async (on, at) => {
    const exception = await one(on, id)
    if (isMarker(exception.requestedBy))
      throw refused(`who requested ${id} was pseudonymised, so nobody can tell that it is someone else`, 'request a new one')
    if (isSamePerson(exception.requestedBy, by))
      throw refused(`${by} requested ${id} and may not approve it`, 'someone else has to approve it')
    if (exception.approvedBy !== null) throw refused(`${id} was approved by ${exception.approvedBy} already`)
    const state = exceptionState(exception, at)
    if (state !== 'requested') throw refused(`${id} is ${state}`, 'request a new one')
    await addEvent(on, at, id, 'approved', { approvedBy: by })
    return id
  })
}

/**
 * Ends an exception before its time, or turns down a request.
 * @throws {StoreError} EXCEPTION_NOT_FOUND; EXCEPTION_REFUSED when it is revoked or over already
 */
export async function revokeException(store: Store, id: string, by: string, reason: string): Promise<Exception> {
  return change(store, async (on, at) => {
    const state = exceptionState(await one(on, id), at)
    if (state === 'revoked' || state === 'lapsed') throw refused(`${id} is ${state} already`)
    await addEvent(on, at, id, 'revoked', { revokedBy: by, revokedReason: reason })
    return id
  })
}

/**
 * Keeps a file of exceptions as it was read, when it says something else than the last time, and its digest in the ledger.
 * @returns whether it was new
 */
export async function saveExceptionFile(store: Store, file: ExceptionFile): Promise<boolean> {
  const body = canonicalJson(file as unknown as Json)
  return transaction(store.db, async on => {
    await on.execute('lock table exception_file in share row exclusive mode')
    const [last] = await on.query<{ id: number; body: string }>(
      'select id::float8 as id, body from exception_file order by id desc limit 1',
    )
    if (last?.body === body) return false
    const readAt = store.now()
    const salt = randomBytes(16)
    const bodyDigest = saltedDigest(salt, body)
    await on.execute('insert into exception_file (id, read_at, body, salt, digest) values ($1, $2, $3, $4, $5)', [
      ...[(last?.id ?? 0) + 1, readAt, body, salt, Buffer.from(bodyDigest, 'hex')],
    ])
    const { location, digest, exceptions, problems } = file
    await appendTo(on, readAt, 'exception_file', {
      ...{ file: (last?.id ?? 0) + 1, location, digest, body: bodyDigest },
      ...{ exceptions: exceptions.length, problems: problems.length },
    })
    return true
  })
}

/** What was known of exceptions at an instant: by command, and the last file that was read by then. Sorted by id. */
export async function readExceptions(store: Store, asOf: Date): Promise<readonly Exception[]> {
  return transaction(store.db, async on => {
    const [file] = await on.query<{ body: string }>(
      'select body from exception_file where read_at <= $1 order by id desc limit 1',
      [asOf],
    )
    const kept = file === undefined ? [] : (JSON.parse(file.body) as ExceptionFile).exceptions
    return [...kept, ...(await byCommand(on, asOf))].sort((a, b) => compareBytes(a.id, b.id))
  })
}

/** The last file of exceptions that was read; null when none ever was. */
export async function lastExceptionFile(store: Store): Promise<(ExceptionFile & { readonly readAt: Date }) | null> {
  const [file] = await query<{ body: string; readAt: Date }>(
    store.db,
    'select body, read_at as "readAt" from exception_file order by id desc limit 1',
  )
  return file === undefined ? null : { ...(JSON.parse(file.body) as ExceptionFile), readAt: file.readAt }
}

/** Ids of exceptions that the last evaluation knew, or that are known now, and that are not in force any more. */
export async function endedExceptions(store: Store): Promise<ReadonlySet<string>> {
  const now = store.now()
  const known = new Map((await readExceptions(store, now)).map(each => [each.id, exceptionState(each, now)]))
  const [last] = await query<{ id: number }>(store.db, 'select max(id) as id from evaluation having max(id) is not null')
  const { exceptions = [] } = last === undefined ? {} : await readRegister(store, last.id)
  const ids = new Set([...known.keys(), ...exceptions.map(each => each.id)])
  return new Set([...ids].filter(id => known.get(id) !== 'approved'))
}

/** Keeps the register of an evaluation, each different one once. @returns its digest; null when the evaluation has none */
export async function writeRegister(on: Connection, { exceptions }: Evaluation): Promise<Buffer | null> {
  if (exceptions === undefined) return null
  const body = canonicalJson(outside(exceptions))
  const [known] = await on.query<{ digest: Buffer }>(
    'select digest from exception_register where salt is not null and body = $1 limit 1',
    [body],
  )
  if (known !== undefined) return known.digest
  const salt = randomBytes(16)
  const digest = Buffer.from(saltedDigest(salt, body), 'hex')
  await on.execute('insert into exception_register (digest, body, salt) values ($1, $2, $3)', [digest, body, salt])
  return digest
}

/** The register of an evaluation, to be spread into it; empty for one that is older than exceptions. */
export async function readRegister(store: Store, evaluation: number): Promise<Pick<Evaluation, 'exceptions'>> {
  const [row] = await query<{ body: string }>(
    store.db,
    'select r.body from evaluation e join exception_register r on r.digest = e.exceptions where e.id = $1',
    [evaluation],
  )
  return row === undefined ? {} : { exceptions: JSON.parse(row.body) as readonly RegisteredException[] }
}

type EventKind = 'requested' | 'approved' | 'revoked'

interface EventRow {
  readonly exception_id: string
  readonly kind: EventKind
  readonly at: Date
  readonly body: string
}

/** Under a lock, since whether a step is allowed depends on those before it. */
async function change(store: Store, step: (on: Connection, at: Date) => Promise<string>): Promise<Exception> {
  return transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.exceptions])
    return one(on, await step(on, store.now()))
  })
}

async function one(on: Connection, id: string): Promise<Exception> {
  const found = (await byCommand(on, null)).find(exception => exception.id === id)
  if (found !== undefined) return found
  throw new StoreError('EXCEPTION_NOT_FOUND', `no exception ${id} was requested by command`, {
    hint: 'see `evidenced exceptions list`; those of a file are changed in the file',
  })
}

async function addEvent(on: Connection, at: Date, id: string, kind: EventKind, body: Json): Promise<void> {
  const text = canonicalJson(body)
  const salt = randomBytes(16)
  const digest = eventDigest(id, kind, at, text, salt)
  await on.execute(
    `insert into exception_event (id, exception_id, kind, at, body, salt, digest)
     select coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6 from exception_event`,
    [id, kind, at, text, salt, Buffer.from(digest, 'hex')],
  )
  // who did it stands in the body, with its salt: what stands here stays for good
  await appendTo(on, at, 'exception', { exception: id, event: kind, digest })
}

/** Digest of one step of an exception: what the ledger holds of it. @param salt null: it is from before they had one */
export function eventDigest(id: string, kind: string, at: Date, body: string, salt: Buffer | null): string {
  const said = { exception: id, event: kind, at: at.toISOString(), body }
  return digestOf(salt === null ? said : { ...said, salt: salt.toString('hex') })
}

/** @param asOf steps after it are left out; null: none */
async function byCommand(on: Connection, asOf: Date | null): Promise<readonly Exception[]> {
  const rows = await on.query<EventRow>(
    'select exception_id, kind, at, body from exception_event where $1::timestamptz is null or at <= $1 order by id',
    [asOf],
  )
  return [...Map.groupBy(rows, row => row.exception_id)].map(([id, events]) => {
    const of = (kind: EventKind) => events.find(event => event.kind === kind)
    const said = (kind: EventKind) => JSON.parse(of(kind)?.body ?? '{}') as Partial<Exception>
    const { approvedBy = null } = said('approved')
    const { revokedBy = null, revokedReason = null } = said('revoked')
    return {
      ...(said('requested') as ExceptionRequest),
      ...{ id, origin: 'database', requestedAt: of('requested')?.at.toISOString() ?? null },
      ...{ approvedBy, approvedAt: of('approved')?.at.toISOString() ?? null },
      ...{ revokedBy, revokedAt: of('revoked')?.at.toISOString() ?? null, revokedReason },
    }
  })
}

function refused(message: string, hint?: string): StoreError {
  return new StoreError('EXCEPTION_REFUSED', message, hint === undefined ? {} : { hint })
}
