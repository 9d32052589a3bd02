import { canonicalJson, digestOf } from '../digest.ts'
import type { Json, SignedHead } from '../model.ts'
import { changeLines, evaluationLines } from './change-lines.ts'
import { addUpBytes, type ChangeSum } from './change-set.ts'
import { query, transaction } from './database.ts'
import { StoreError } from './error.ts'
import { insertHead, lastHead, readHeads } from './head-rows.ts'
import { lockSpaces } from './locks.ts'
import { shareOut } from './share-out.ts'
import type { Store } from './store.ts'

/**
 * Where heads are kept, out of the reach of whoever owns the database. What reads throws an error whose `code` is HEADS_CHANGED where something stands there
 * that is not what was written, or is gone, and with another one where it could not be looked at.
 */
export interface HeadSink {
  /** streams that something is kept of */
  streams(): Promise<readonly string[]>
  /** heads of one stream in the order of their making; none at all is an empty list */
  heads(stream: string): Promise<readonly SignedHead[]>
  /** version of the newest of them; 0 when there is none */
  lastVersion(stream: string): Promise<number>
  /** a head's change set as it was written: bytes of its lines, each with a line feed */
  changes(head: SignedHead): AsyncIterable<Uint8Array>
  /**
   * Keeps a change set first and then its head, durably; a head is there whole or not at all, after the very one that it follows, and never written over.
   * @param changes bytes of whole lines
   * @param head is made when `changes` came to their end
   */
  write(of: HeadName, changes: AsyncIterable<Uint8Array>, head: () => Promise<SignedHead>): Promise<void>
}

/** What a head is told by, and the digest of the one that it follows; null: it is the first. */
export type HeadName = Pick<SignedHead, 'stream' | 'version' | 'previousDigest'>

export interface HeadSigner {
  readonly fingerprint: string
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** The heads of the evaluations. */
export const evaluationStream = 'evaluations'

/** What heads are made of: the snapshots of one source, or the evaluations. */
interface Stream {
  readonly name: string
  /** what was sealed after a version and has no head yet, oldest first */
  sealedAfter(version: number): Promise<readonly Sealed[]>
  /** the change set of a version: bytes of whole lines */
  lines(version: number): AsyncIterable<Uint8Array>
}

interface Sealed extends Pick<SignedHead, 'version' | 'ledgerPosition' | 'ledgerDigest'> {
  readonly digest: Pick<SignedHead, 'snapshotDigest' | 'evaluationDigest'>
}

/**
 * Makes the heads that a source's snapshots still lack, oldest first, and writes to each sink those that it has not got: after a seal that
 * is one, and after an interruption those that were missed.
 * @param source label
 * @returns how many were made
 * @throws what the first sink that fails throws, after the others had their turn
 */
export async function publishHeads(
  store: Store,
  source: string,
  sinks: readonly HeadSink[],
  signer: HeadSigner,
): Promise<number> {
  const [found] = await query<{ id: number; partition: string; instance_arn: string }>(
    store.db,
    'select id, partition, instance_arn from source where label = $1',
    [source],
  )
  if (found === undefined) throw new StoreError('NOT_FOUND', `no source is labelled ${source} in this database`)
  const stream: Stream = {
    name: streamOf(found.partition, found.instance_arn),
    sealedAfter: version => sealedSnapshots(store, found.id, version),
    lines: version => changeLines(store, found.id, version),
  }
  return publish(store, stream, found.id, sinks, signer)
}

/** The same for the evaluations. */
export async function publishEvaluationHeads(store: Store, sinks: readonly HeadSink[], signer: HeadSigner): Promise<number> {
  const stream: Stream = {
    name: evaluationStream,
    sealedAfter: version => sealedEvaluations(store, version),
    lines: version => evaluationLines(store, version),
  }
  return publish(store, stream, 0, sinks, signer)
}

async function publish(
  store: Store,
  stream: Stream,
  lock: number,
  sinks: readonly HeadSink[],
  signer: HeadSigner,
): Promise<number> {
  const { made, failures } = await transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, $2)', [lockSpaces.heads, lock])
    await adopt(store, stream, sinks)
    const failures: unknown[] = []
    const ends = await Promise.allSettled(sinks.map(sink => catchUp(store, stream, sink)))
    const ready = readyOf(sinks, ends, failures)
    return { made: await makeHeads(store, stream, signer, ready, failures), failures }
  })
  // thrown out here, since inside it would be told as a fault of the database
  if (failures.length > 0) throw failures[0]
  return made
}

/** Those that are to get the next head. What failed for another one is noted, and it gets no head after one that it lacks. */
function readyOf(
  sinks: readonly HeadSink[],
  ends: readonly PromiseSettledResult<void>[],
  failures: unknown[],
): readonly HeadSink[] {
  for (const end of ends) if (end.status === 'rejected') failures.push(end.reason)
  return sinks.filter((_, i) => ends[i]!.status === 'fulfilled')
}

/** Heads that were made before the database kept any stand outside only. */
async function adopt(store: Store, stream: Stream, sinks: readonly HeadSink[]): Promise<void> {
  if ((await lastHead(store, stream.name)) !== null) return
  const sealed = new Map((await stream.sealedAfter(0)).map(each => [each.version, each]))
  for (const sink of sinks) {
    const heads = await sink.heads(stream.name).catch(() => [])
    if (heads.length === 0) continue
    for (const head of heads) {
      const { snapshotDigest, evaluationDigest } = sealed.get(head.version)?.digest ?? {}
      if (head.snapshotDigest !== snapshotDigest || head.evaluationDigest !== evaluationDigest) return
      await insertHead(store, head)
    }
    return
  }
}

/** Change sets are read once: for what the head says of them, and for each sink. */
async function makeHeads(
  store: Store,
  stream: Stream,
  signer: HeadSigner,
  sinks: readonly HeadSink[],
  failures: unknown[],
): Promise<number> {
  let last = await lastHead(store, stream.name)
  const sealed = await stream.sealedAfter(last?.version ?? 0)
  let ready = sinks
  for (const each of sealed) {
    const { version } = each
    const previousDigest = last === null ? null : digestOf({ ...last })
    const made = Promise.withResolvers<SignedHead>()
    made.promise.catch(() => {})
    const [own, ...ends] = await shareOut(stream.lines(version), [
      changes =>
        addUpBytes(changes)
          .then(sum => makeHead(store, stream.name, each, previousDigest, sum, signer))
          .then(made.resolve, error => {
            made.reject(error)
            throw error
          }),
      ...ready.map(
        sink => (changes: AsyncIterable<Uint8Array>) =>
          sink.write({ stream: stream.name, version, previousDigest }, changes, () => made.promise),
      ),
    ])
    if (own!.status === 'rejected') throw own!.reason
    last = await made.promise
    ready = readyOf(ready, ends, failures)
  }
  return sealed.length
}

async function makeHead(
  store: Store,
  stream: string,
  { digest, ...what }: Sealed,
  previousDigest: string | null,
  changes: ChangeSum,
  signer: HeadSigner,
): Promise<SignedHead> {
  const body = {
    ...{ stream, ...what, ...digest, lines: changes.lines, linesDigest: changes.digest },
    previousDigest,
  }
  const signature = Buffer.from(await signer.sign(Buffer.from(canonicalJson(body)))).toString('base64')
  return insertHead(store, { ...body, keyFingerprint: signer.fingerprint, signature })
}

async function catchUp(store: Store, stream: Stream, sink: HeadSink): Promise<void> {
  for (const head of await readHeads(store, stream.name, await sink.lastVersion(stream.name)))
    await sink.write(head, stream.lines(head.version), () => Promise.resolve(head))
}

async function sealedSnapshots(store: Store, sourceId: number, version: number): Promise<Sealed[]> {
  const rows = await query<SealedRow>(
    store.db,
    `select s.version, s.digest, g.position, g.digest as ledger_digest from snapshot s
     join ledger g on g.kind = 'snapshot' and g.payload::json->>'run' = s.run_id::text
     where s.source_id = $1 and s.version > $2 order by s.version`,
    [sourceId, version],
  )
  return rows.map(row => ({ ...ledgerOf(row), digest: { snapshotDigest: row.digest.toString('hex') } }))
}

async function sealedEvaluations(store: Store, id: number): Promise<Sealed[]> {
  const rows = await query<SealedRow>(
    store.db,
    `select e.id as version, e.digest, g.position, g.digest as ledger_digest from evaluation e
     join ledger g on g.kind = 'evaluation' and g.payload::json->>'evaluation' = e.id::text
     where e.id > $1 order by e.id`,
    [id],
  )
  return rows.map(row => ({ ...ledgerOf(row), digest: { evaluationDigest: row.digest.toString('hex') } }))
}

interface SealedRow {
  readonly version: number
  readonly digest: Buffer
  readonly position: string
  readonly ledger_digest: Buffer
}

function ledgerOf({ version, position, ledger_digest }: SealedRow): Pick<Sealed, 'version' | 'ledgerPosition' | 'ledgerDigest'> {
  return { version, ledgerPosition: Number(position), ledgerDigest: ledger_digest.toString('hex') }
}

/** What the signature of a head is over. */
export function signedBytes({ keyFingerprint: _, signature: __, ...body }: SignedHead): Uint8Array {
  return Buffer.from(canonicalJson(body as unknown as Json))
}

/** Stable over a change of label, and fit for a file's name. */
export function streamOf(partition: string, instanceArn: string): string {
  return `${partition}-${instanceArn.slice(instanceArn.lastIndexOf('/') + 1)}`.replaceAll(/[^A-Za-z0-9_-]/g, '_')
}
