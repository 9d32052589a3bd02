import type { LedgerEntry, Snapshot, SourceIdentity } from '../model.ts'
import { checkBodies } from './check-bodies.ts'
import { openClassificationCheck } from './check-classifications.ts'
import { checkDisposals, type DisposalCheck } from './check-disposals.ts'
import { checkFindings } from './check-findings.ts'
import { checkEvaluationHeads, checkHeads, checkStreams, type HeadCheck, type IsProven, keptStreams } from './check-heads.ts'
import { checkRecorded } from './check-recorded.ts'
import { checkCalls, checkItself } from './check-snapshot.ts'
import { checkSurroundings } from './check-surroundings.ts'
import { checkVersions, type VersionCheck } from './check-versions.ts'
import { query } from './database.ts'
import { readEvaluation } from './evaluation.ts'
import { computedDigest } from './evaluation-digest.ts'
import { checkLedger, readLedger } from './ledger.ts'
import type { StoreProblem } from './problem.ts'
import { readSnapshot, type SnapshotPosition } from './snapshot.ts'
import type { Store } from './store.ts'

/** What was found in the whole store, computed again from its rows. */
export interface StoreVerification {
  /** rows are read as of an instant after this one; what was sealed since may not be among them */
  readonly readAt: Date
  /** position of the ledger's last entry at `readAt`, 0 for an empty one: what it and those before it name was read */
  readonly readTo: number
  readonly snapshots: number
  readonly evaluations: number
  /** what was disposed of, by entry of the ledger; its digests stand, and were checked */
  readonly disposals: DisposalCheck['disposals']
  readonly ledgerEntries: number
  /** digest of the ledger's last entry; null for an empty one */
  readonly ledgerHead: string | null
  readonly problems: readonly StoreProblem[]
}

/**
 * Computes everything again from its rows: each row, what equal readings of a part are known by, each dataset and snapshot, their chain, the calls, the evaluations, the ledger; and
 * holds it against the heads outside. Nothing is written.
 * @param heads null: what an owner of the database could do who fixes every hash is not looked for
 * @param threads that compute rows; null: one for few rows, else as many as there are processors, up to four
 */
export async function verifyStore(
  store: Store,
  heads: HeadCheck | null,
  onProgress: (phase: string, done: number, total: number | null) => void = () => {},
  threads: number | null = null,
): Promise<StoreVerification> {
  const problems: StoreProblem[] = []
  const readAt = store.now()
  const [noted] = await query<{ to: number }>(store.db, 'select coalesce(max(position), 0)::float8 as to from ledger')
  // first, so that the ledger, which is read after it, has an entry of everything that it saw
  const versions = await checkVersions(store, threads, (done, total) => onProgress('rows', done, total))
  const ledger = await checkLedger(store)
  for (const { position, message } of ledger.problems) problems.push({ kind: 'ledger', name: `entry ${position}`, message })
  const entries = await readEntries(store)
  problems.push(...versions.problems)
  for await (const problem of checkBodies(store)) problems.push(problem)
  const kept = heads === null ? [] : await keptStreams(store, heads)
  const sources = await query<SourceRow>(store.db, allSources)
  problems.push(...checkStreams(kept, sources), ...sources.flatMap(labelProblems))
  let snapshots = 0
  for (const source of sources) {
    const { count, sound } = await checkSource(store, source, { entries, versions }, problems, onProgress)
    snapshots += count
    if (heads === null) continue
    const isProven = provenBy(sound, version => versions.changesOf(source.id, version))
    for await (const problem of checkHeads(store, source, heads, isProven)) problems.push(problem)
  }
  const disposed = await checkDisposals(store)
  problems.push(...disposed.problems)
  if (heads !== null) for await (const problem of checkEvaluationHeads(store, heads)) problems.push(problem)
  const evaluations = await checkEvaluations(store, { entries, last: versions.lastEvaluation }, problems, onProgress)
  for await (const problem of checkFindings(store)) problems.push(problem)
  for await (const problem of checkRecorded(store)) problems.push(problem)
  for await (const problem of checkSurroundings(store)) problems.push(problem)
  for (const [run, { position }] of entries.snapshots) {
    if (await isThere(store, 'select from snapshot where run_id::text = $1', run)) continue
    const message = `the ledger names it at ${position}, and it is not there`
    problems.push({ kind: 'snapshot', name: `snapshot of run ${run}`, message })
  }
  const { disposals } = disposed
  const { entries: ledgerEntries, head: ledgerHead } = ledger
  return { readAt, readTo: noted!.to, snapshots, evaluations, disposals, ledgerEntries, ledgerHead, problems }
}

const allSources = `select o.id, o.label, o.partition, o.instance_arn as "instanceArn", o.organization_id as "organizationId", s.version, s.label as "sealedAs", s.identity
  from source o left join lateral (select version, label, identity from snapshot where source_id = o.id order by version desc limit 1) s on true
  order by o.label`

/** A source has the label, the instance and the organization of its newest snapshot: one that was given another's would answer for it. */
function labelProblems(source: SourceRow): StoreProblem[] {
  const { label, partition, instanceArn, organizationId, version, sealedAs, identity } = source
  if (version === null) return []
  const name = `${label} version ${version}`
  const problems: StoreProblem[] = []
  if (sealedAs !== label)
    problems.push({
      kind: 'snapshot',
      name,
      message: `it was sealed as a snapshot of ${sealedAs}: the source's label was changed`,
    })
  const its = identityIn(identity!)
  // why it cannot be read is told with its snapshot
  if (its === null) return problems
  if (its.instanceArn !== instanceArn || its.partition !== partition) {
    const message = `it is one of ${its.instanceArn}, its source says ${instanceArn}: the source was changed`
    problems.push({ kind: 'snapshot', name, message })
  }
  if (its.organizationId !== null && its.organizationId !== organizationId) {
    const message = `it is one of ${its.organizationId}, its source says ${organizationId ?? 'no organization'}: the source was changed`
    problems.push({ kind: 'snapshot', name, message })
  }
  return problems
}

function identityIn(text: string): SourceIdentity | null {
  try {
    return JSON.parse(text) as SourceIdentity | null
  } catch {
    return null
  }
}

interface SourceRow {
  readonly id: number
  readonly label: string
  /** of the newest snapshot, and what it says of its source; null when there is none */
  readonly version: number | null
  readonly sealedAs: string | null
  readonly identity: string | null
  readonly partition: string
  readonly instanceArn: string
  readonly organizationId: string | null
}

/** Entries that have not been found among the rows yet. */
interface Entries {
  /** by run */
  readonly snapshots: Map<string, LedgerEntry>
  /** by number */
  readonly evaluations: Map<number, LedgerEntry>
}

async function readEntries(store: Store): Promise<Entries> {
  const entries: Entries = { snapshots: new Map(), evaluations: new Map() }
  for await (const entry of readLedger(store)) {
    if (entry.kind === 'snapshot') entries.snapshots.set(String(entry.payload.run), entry)
    if (entry.kind === 'evaluation') entries.evaluations.set(Number(entry.payload.evaluation), entry)
  }
  return entries
}

async function checkSource(
  store: Store,
  source: SourceRow,
  { entries, versions }: { readonly entries: Entries; readonly versions: VersionCheck },
  problems: StoreProblem[],
  onProgress: (phase: string, done: number, total: number | null) => void,
): Promise<{ readonly count: number; readonly sound: ReadonlyMap<number, string> }> {
  const positions = await query<{ version: number; collection_id: number }>(
    store.db,
    'select version, collection_id from snapshot where source_id = $1 and version <= $2 order by version',
    [source.id, versions.last.get(source.id) ?? 0],
  )
  const sound = new Map<number, string>()
  let before: Snapshot | null = null
  for (const [i, { version, collection_id: collectionId }] of positions.entries()) {
    onProgress(`snapshots of ${source.label}`, i, positions.length)
    const position: SnapshotPosition = { sourceId: source.id, version, collectionId }
    const snapshot = await readable(readSnapshot(store, source.label, { version }))
    const name = `${source.label} version ${version}`
    if (typeof snapshot === 'string') {
      problems.push({ kind: 'snapshot', name, message: snapshot })
      continue
    }
    const own = await checkItself(store, snapshot)
    for (const problem of own) problems.push({ ...problem, kind: 'snapshot' })
    const isChained = snapshot.previousDigest === (before?.digest ?? null) && version === (before?.version ?? 0) + 1
    if (!isChained) {
      const message = `it follows ${snapshot.previousDigest ?? 'nothing'}, the version before it is ${before === null ? 'missing' : `${before.version} with ${before.digest}`}`
      problems.push({ kind: 'chain', name, message })
    }
    const entry = entries.snapshots.get(snapshot.runId)
    if (entry?.payload.digest !== snapshot.digest) {
      problems.push({ kind: 'ledger', name, message: `no entry of the ledger holds its digest ${snapshot.digest}` })
    }
    entries.snapshots.delete(snapshot.runId)
    for (const problem of await checkCalls(store, snapshot, position)) problems.push({ ...problem, kind: 'calls' })
    const differing = versions.datasetsOf(source.id, snapshot, null)
    if (differing.length > 0) problems.push(...versions.datasetsOf(source.id, snapshot, before))
    else if (own.length === 0 && isChained) sound.set(version, snapshot.digest)
    before = snapshot
  }
  return { count: positions.length, sound }
}

/**
 * Knows without sorting them that the rows which begin and end with a version are those of its change set. The digest that the head signs gives the rows
 * seen before and after; what the one shows and the other does not has begun or ended, and a row beyond those would change the numbers.
 * @param sound versions whose snapshot follows the one before it and is what its rows give, with their digests
 */
function provenBy(
  sound: ReadonlyMap<number, string>,
  changesOf: (version: number) => { readonly begun: number; readonly ended: number } | null,
): IsProven {
  return ({ version, snapshotDigest }, { lines, firsts }) => {
    const changes = changesOf(version)
    if (changes === null || sound.get(version) !== snapshotDigest || (version > 1 && !sound.has(version - 1))) return false
    const [begun, ended] = [firsts['+'.charCodeAt(0)]!, firsts['-'.charCodeAt(0)]!]
    return begun + ended === lines && begun === changes.begun && ended === changes.ended
  }
}

/** What the ledger names and the verification did not see may have come since it began. */
async function isThere(store: Store, text: string, value: string | number): Promise<boolean> {
  return (await query(store.db, text, [value])).length > 0
}

/** What is no JSON any more was changed, and is no reason to look at nothing else. @returns why it cannot be read */
async function readable<T>(reading: Promise<T | null>): Promise<T | string> {
  try {
    return (await reading) ?? 'it is not there'
  } catch (error) {
    if (error instanceof SyntaxError) return `what it says cannot be read: ${error.message}`
    throw error
  }
}

async function checkEvaluations(
  store: Store,
  { entries, last }: { readonly entries: Entries; readonly last: number },
  problems: StoreProblem[],
  onProgress: (phase: string, done: number, total: number | null) => void,
): Promise<number> {
  const ids = await query<{ id: number }>(store.db, 'select id from evaluation where id <= $1 order by id', [last])
  const checkClassification = await openClassificationCheck(store)
  for (const [i, { id }] of ids.entries()) {
    onProgress('evaluations', i, ids.length)
    const name = `evaluation ${id}`
    const evaluation = await readable(readEvaluation(store, id))
    if (typeof evaluation === 'string') {
      problems.push({ kind: 'evaluation', name, message: evaluation })
      entries.evaluations.delete(id)
      continue
    }
    const { digest, evaluatedAt } = evaluation
    // over bodies of which one is gone it cannot be computed again, and the digests of the others stand alone
    const computed = (await computedDigest(store, evaluation)) ?? digest
    if (computed !== digest)
      problems.push({ kind: 'evaluation', name, message: `its digest is ${digest}, its rows give ${computed}` })
    if (entries.evaluations.get(id)?.payload.digest !== digest)
      problems.push({ kind: 'ledger', name, message: `no entry of the ledger holds its digest ${digest}` })
    const at = entries.evaluations.get(id)?.at
    if (at !== undefined && at.getTime() !== evaluatedAt.getTime())
      problems.push({
        kind: 'evaluation',
        name,
        message: `it says that it was made on ${evaluatedAt.toISOString()}, the ledger ${at.toISOString()}`,
      })
    const said = entries.evaluations.get(id)?.payload.classification as string | undefined
    const message = await checkClassification(evaluation, said)
    if (message !== null) problems.push({ kind: 'evaluation', name, message })
    entries.evaluations.delete(id)
  }
  for (const [id, { position }] of entries.evaluations) {
    if (await isThere(store, 'select from evaluation where id = $1', id)) continue
    const message = `the ledger names it at ${position}, and it is not there`
    problems.push({ kind: 'evaluation', name: `evaluation ${id}`, message })
  }
  return ids.length
}
